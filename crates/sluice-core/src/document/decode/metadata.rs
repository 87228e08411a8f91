//! What every document has around its `spec`.

use std::collections::BTreeMap;

use super::{Decode, Fields, Reader};
use crate::document::node::{Node, shortened};
use crate::document::problem::{Fault, Problem};
use crate::document::{API_VERSION, DEFAULT_ENVIRONMENT, Document, Kind, Metadata, Spec};
use crate::{Name, builtin};

/// Reads one document, and all that is wrong with it.
pub(in crate::document) fn document(node: &Node, mut reader: Reader) -> (Option<Document>, Vec<Problem>) {
    if let Some(called) = called(node) {
        reader.document = Some(called);
    }
    let document = read(node, &mut reader);
    let is_good = reader.problems.is_empty();
    (document.filter(|_| is_good), reader.problems)
}

/// What a document seems to be called, before it is known whether that is right.
fn called(node: &Node) -> Option<String> {
    let kind = node.field("kind")?.as_text()?;
    let metadata = node.field("metadata")?;
    let name = metadata.field("name")?.as_text()?;
    Some(match metadata.field("environment").and_then(Node::as_text) {
        Some(environment) => format!("{} {} in {}", shortened(kind), shortened(name), shortened(environment)),
        None => format!("{} {}", shortened(kind), shortened(name)),
    })
}

fn read(node: &Node, reader: &mut Reader) -> Option<Document> {
    let mut fields = Fields::open(node, reader)?;
    if let Some(version) = fields.find("apiVersion")
        && version.as_text() != Some(API_VERSION)
    {
        let fault = Fault::invalid("this version of the format is not known").accepted(API_VERSION);
        fields.report_in(&["apiVersion".into()], fault.hint("the field may also be left out"));
    }
    let kind = fields.required::<Kind>("kind");
    let metadata = fields.required::<Metadata>("metadata");
    if let Some(kind) = kind {
        fits_kind(&mut fields, kind);
    }
    let metadata = metadata.map(|metadata| placed(metadata, kind));
    let spec = match kind {
        Some(Kind::Service) => fields.required("spec").map(Spec::Service),
        Some(Kind::Segment) => fields.required("spec").map(Spec::Segment),
        Some(Kind::Metric) => fields.required("spec").map(Spec::Metric),
        Some(Kind::Policy) => fields.required("spec").map(Spec::Policy),
        Some(Kind::Environment) => spec_or_nothing(&mut fields).map(Spec::Environment),
        Some(Kind::Release) => fields.required("spec").map(Spec::Release),
        None => {
            fields.find("spec");
            None
        }
    };
    // Read only: what a document says of itself is not taken back from outside.
    fields.find("status");
    fields.finish();
    Some(Document { metadata: metadata?, spec: spec? })
}

fn spec_or_nothing<T: Decode + Default>(fields: &mut Fields<'_, '_>) -> Option<T> {
    fields.or_default("spec")
}

/// What only some kinds may have in their metadata.
fn fits_kind(fields: &mut Fields<'_, '_>, kind: Kind) {
    let Some(metadata) = fields.node.field("metadata") else { return };
    if !kind.has_environment() && metadata.field("environment").is_some() {
        let article = if kind == Kind::Environment { "an" } else { "a" };
        let fault = Fault::new("unknown-field", format!("{article} {kind} is the same in every environment"))
            .hint("leave `environment` out");
        fields.report_in(&["metadata".into(), "environment".into()], fault);
    }
    let name = metadata.field("name").and_then(Node::as_text).and_then(|name| name.parse::<Name>().ok());
    let Some(name) = name.filter(|_| !fields.reader.is_builtin) else { return };
    let is_taken = match kind {
        Kind::Policy => builtin::policies().contains_key(&name),
        Kind::Metric => builtin::metrics().contains_key(&name),
        _ => false,
    };
    if is_taken {
        let fault = Fault::new("reserved-name", format!("`{name}` is built in, and stays as it is"))
            .hint(format!("give your own another name, as `our-{name}`"));
        fields.report_in(&["metadata".into(), "name".into()], fault);
    }
}

/// Metadata with the environment that its kind asks for.
fn placed(mut metadata: Metadata, kind: Option<Kind>) -> Metadata {
    if kind.is_some_and(Kind::has_environment) {
        metadata.environment.get_or_insert_with(default_environment);
    }
    metadata
}

fn default_environment() -> Name {
    DEFAULT_ENVIRONMENT.parse().expect("the default environment has a good name")
}

impl Decode for Metadata {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let name = fields.required("name");
        let environment = fields.optional("environment");
        let labels = fields.or_default::<BTreeMap<String, String>>("labels");
        let annotations = fields.or_default::<BTreeMap<String, String>>("annotations");
        let resource_version = fields.optional("resourceVersion");
        let created_at = fields.optional("createdAt");
        let updated_at = fields.optional("updatedAt");
        fields.finish();
        Some(Metadata {
            name: name?,
            environment: environment?,
            labels: labels?,
            annotations: annotations?,
            resource_version: resource_version?,
            created_at: created_at?,
            updated_at: updated_at?,
        })
    }
}
