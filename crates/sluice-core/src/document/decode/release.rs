//! `Release`.

use super::{Decode, Fields, Reader, report_duplicates};
use crate::Name;
use crate::document::ReleaseSpec;
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::release::ServiceVersion;

impl Decode for ReleaseSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let service = fields.required("service");
        let version = fields.required("version");
        let with = with(&mut fields, service.as_ref());
        let policy = fields.optional("policy");
        let reshuffle = fields.or_default("reshuffle");
        let override_reason = override_reason(&mut fields);
        fields.finish();
        Some(ReleaseSpec {
            service: service?,
            version: version?,
            with: with?,
            policy: policy?,
            reshuffle: reshuffle?,
            override_reason: override_reason?,
        })
    }
}

/// The services that are released together with `service`.
fn with(fields: &mut Fields<'_, '_>, service: Option<&Name>) -> Option<Vec<ServiceVersion>> {
    if !fields.has("with") {
        fields.find("with");
        return Some(Vec::new());
    }
    let members = fields.list::<ServiceVersion>("with")?;
    let fault = |name: &Name| {
        Fault::duplicate(format!("`{name}` is named twice; a release brings one version of a service"))
            .given(name.as_str())
    };
    report_duplicates(
        &members,
        |member| &member.service,
        |index, member| {
            fields.report_in(&["with".into(), index.into(), "service".into()], fault(&member.service));
        },
    );
    for (index, member) in members.iter().enumerate() {
        if let Some(member) = member.as_ref().filter(|member| Some(&member.service) == service) {
            fields.report_in(&["with".into(), index.into(), "service".into()], fault(&member.service));
        }
    }
    members.into_iter().collect()
}

fn override_reason(fields: &mut Fields<'_, '_>) -> Option<Option<String>> {
    let reason = fields.optional::<String>("override")?;
    if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        let fault = Fault::invalid("it gives no reason").hint("say why in a sentence; it is logged");
        fields.report_in(&["override".into()], fault);
        return None;
    }
    Some(reason)
}

impl Decode for ServiceVersion {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { service: payments, version: \"1.4.0\" }")?;
        let service = fields.required("service");
        let version = fields.required("version");
        fields.finish();
        Some(ServiceVersion { service: service?, version: version? })
    }
}
