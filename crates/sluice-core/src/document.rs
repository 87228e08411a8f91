//! Documents: what people write, and what Sluice keeps.
//!
//! One form everywhere, as a file, an API body or a stored row: `apiVersion`, `kind`, `metadata`, `spec`, and a
//! read-only `status`. The types here can only hold what is allowed; turning text into them is the one border at
//! which input is checked, and it reports every problem at once.

/// A type that is written as text, in the schema too. (The derive knows this for tuple structs only.)
macro_rules! text_schema {
    ($type:ident, $pattern:literal, $example:literal) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }
        impl utoipa::ToSchema for $type {}
    };
}
pub(crate) use text_schema;

pub mod check;
mod decode;
pub mod environment;
mod fit;
pub mod metric;
mod node;
mod parse;
pub mod policy;
pub mod problem;
pub mod release;
mod schema;
pub mod segment;
pub mod service;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Name, Timestamp};
pub use environment::EnvironmentSpec;
pub use metric::MetricSpec;
pub(crate) use parse::parse_builtin;
pub use parse::{parse_json, parse_yaml};
pub use policy::PolicySpec;
pub use problem::{Position, Problem, Problems};
pub use release::ReleaseSpec;
pub use schema::{any_schema, schema};
pub use segment::SegmentSpec;
pub use service::ServiceSpec;

/// The one version of the document format.
pub const API_VERSION: &str = "sluice.dev/v1alpha1";

/// The environment that a document belongs to when it names none. It exists without any file.
pub const DEFAULT_ENVIRONMENT: &str = "production";

/// The kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Kind {
    /// What users reach.
    Service,
    /// A named set of visitors.
    Segment,
    /// A named measurement.
    Metric,
    /// Steps, checks, and what to do on trouble.
    Policy,
    /// Staging, production ….
    Environment,
    /// One run: a service, from one version to another.
    Release,
}

impl Kind {
    /// Every kind, in the order in which they may refer to each other: later ones name earlier ones.
    pub const ALL: [Kind; 6] =
        [Kind::Segment, Kind::Metric, Kind::Policy, Kind::Environment, Kind::Service, Kind::Release];

    /// As written in `kind:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Service => "Service",
            Kind::Segment => "Segment",
            Kind::Metric => "Metric",
            Kind::Policy => "Policy",
            Kind::Environment => "Environment",
            Kind::Release => "Release",
        }
    }

    /// As written in addresses: `services`, `policies`.
    pub const fn plural(self) -> &'static str {
        match self {
            Kind::Service => "services",
            Kind::Segment => "segments",
            Kind::Metric => "metrics",
            Kind::Policy => "policies",
            Kind::Environment => "environments",
            Kind::Release => "releases",
        }
    }

    /// Whether a document of this kind lives in an environment; all others are the same everywhere.
    pub const fn has_environment(self) -> bool {
        matches!(self, Kind::Service | Kind::Release)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What tells one document from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct DocumentKey {
    /// Its kind.
    pub kind: Kind,
    /// Its environment; only for kinds that have one.
    pub environment: Option<Name>,
    /// Its name.
    pub name: Name,
}

/// `Service checkout in production`, `Policy careful`.
impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        match &self.environment {
            Some(environment) => write!(f, " in {environment}"),
            None => Ok(()),
        }
    }
}

/// What a document is called, and what others have noted on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The name: unique for its kind, in its environment.
    pub name: Name,
    /// The environment of a Service or Release; `production` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// Short facts to select by: `team: payments`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Longer notes that Sluice carries and never reads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Read only: grows with every change of the document; the value of its `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<u64>,
    /// Read only: when the document was first stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Read only: when the document last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// What a document says, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", content = "spec")]
pub enum Spec {
    /// A service.
    Service(ServiceSpec),
    /// A segment.
    Segment(SegmentSpec),
    /// A metric.
    Metric(MetricSpec),
    /// A policy.
    Policy(PolicySpec),
    /// An environment.
    Environment(EnvironmentSpec),
    /// A release.
    Release(ReleaseSpec),
}

impl Spec {
    /// The kind of document this is the spec of.
    pub const fn kind(&self) -> Kind {
        match self {
            Spec::Service(_) => Kind::Service,
            Spec::Segment(_) => Kind::Segment,
            Spec::Metric(_) => Kind::Metric,
            Spec::Policy(_) => Kind::Policy,
            Spec::Environment(_) => Kind::Environment,
            Spec::Release(_) => Kind::Release,
        }
    }
}

/// A document that has passed the border: everything in it is well-formed, though what it names may not exist.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// What it is called.
    pub metadata: Metadata,
    /// What it says; its kind is in here.
    #[serde(flatten)]
    pub spec: Spec,
}

impl Document {
    /// What tells this document from all others.
    pub fn key(&self) -> DocumentKey {
        DocumentKey {
            kind: self.spec.kind(),
            environment: self.metadata.environment.clone(),
            name: self.metadata.name.clone(),
        }
    }
}
