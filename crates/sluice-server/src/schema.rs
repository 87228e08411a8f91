//! How answers look, for the OpenAPI document. The engine hands out documents of every kind as one type; clients are
//! told what each kind holds. A test holds every answer against these.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use sluice_core::document::{
    DocumentKey, EnvironmentSpec, Kind, Metadata, MetricSpec, PolicySpec, ReleaseSpec, SegmentSpec,
    ServiceSpec,
};
use sluice_core::release::status::ReleaseStatus;
use sluice_core::{Name, Timestamp, VersionName};
use sluice_engine::Resource;
use sluice_engine::live::{ServiceStatus, TrafficNow, VersionHistory};
use sluice_engine::resource::{Announced, Applied, ApplyAction};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A schema of the text that is always the same, so that a client can tell kinds apart by it.
// A description beside `inline` would make the derive wrap the schema in one of an object, which no text is.
macro_rules! constant {
    ($name:ident, $text:expr, $description:literal) => {
        struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .enum_values(Some([$text]))
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

constant!(ApiVersion, sluice_core::document::API_VERSION, "The version of the document format.");

/// A kind of document: its schema, that of a list of them, and the text of its `kind`.
macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $list:ident, $constant:ident, $spec:ty $(, $status:ty)?) => {
        constant!($constant, stringify!($kind), "The kind of this document.");

        $(#[$doc])*
        #[derive(ToSchema)]
        #[schema(rename_all = "camelCase")]
        #[expect(dead_code, reason = "describes what the engine hands out; nothing is made of it")]
        pub(crate) struct $kind {
            #[schema(inline)]
            api_version: ApiVersion,
            #[schema(inline)]
            kind: $constant,
            /// What it is called.
            metadata: Metadata,
            /// What it says.
            spec: $spec,
            $(
                /// Where it stands. Read only.
                status: $status,
            )?
        }

        /// Some documents, and where to go on.
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "describes what the engine hands out; nothing is made of it")]
        pub(crate) struct $list {
            /// The documents.
            items: Vec<$kind>,
            /// Hand this back as `cursor` to get the next ones; null when these were the last.
            #[schema(required)]
            next: Option<String>,
        }
    };
}

kind! {
    /// What users reach, with what is live.
    Service, ServiceList, ServiceKind, ServiceSpec, ServiceStatus
}
kind! {
    /// A named set of visitors.
    Segment, SegmentList, SegmentKind, SegmentSpec
}
kind! {
    /// A named measurement.
    Metric, MetricList, MetricKindName, MetricSpec
}
kind! {
    /// Steps, checks, and what to do on trouble.
    Policy, PolicyList, PolicyKind, PolicySpec
}
kind! {
    /// Where services run.
    Environment, EnvironmentList, EnvironmentKind, EnvironmentSpec
}
kind! {
    /// One run of a service, from one version to another, with how it goes.
    Release, ReleaseList, ReleaseKind, ReleaseSpec, ReleaseStatus
}

/// A document of any kind, as applying it left it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what the engine hands out; nothing is made of it")]
pub(crate) struct AppliedDocument {
    #[schema(inline)]
    api_version: ApiVersion,
    /// The kind of this document.
    kind: Kind,
    /// What it is called.
    metadata: Metadata,
    /// What it says.
    #[schema(value_type = Object)]
    spec: Value,
    /// Where it stands, when it does something and is there already. Read the document for more.
    #[schema(value_type = Object, required = false)]
    status: Value,
}

/// A document as it is written. What `spec` may hold is in the JSON Schema of its kind, at
/// `/api/v1/schemas/{kind}`. Unknown fields are refused; read-only ones are passed over.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is sent; the documents' own parser reads it")]
pub(crate) struct WrittenDocument {
    #[schema(inline, required = false)]
    api_version: ApiVersion,
    /// The kind of document.
    kind: Kind,
    /// What it is called.
    metadata: Metadata,
    /// What it says.
    #[schema(value_type = Object)]
    spec: Value,
}

/// What applying documents did, or would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApplyResults {
    /// One for each document, in the order in which they were sent.
    pub(crate) results: Vec<ApplyResult>,
}

/// What applying one document did, or would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApplyResult {
    /// Its kind.
    kind: Kind,
    /// Its name.
    name: Name,
    /// Its environment; null for kinds that have none.
    #[schema(required)]
    environment: Option<Name>,
    /// What was done.
    action: ApplyAction,
    /// The same in one plain sentence, with what follows from it.
    text: String,
    /// The document as it is now.
    #[schema(value_type = AppliedDocument)]
    resource: Resource,
}

impl From<Applied> for ApplyResult {
    fn from(applied: Applied) -> ApplyResult {
        let Applied { action, text, resource } = applied;
        let key = resource.key();
        ApplyResult { kind: key.kind, name: key.name, environment: key.environment, action, text, resource }
    }
}

/// What an announcement did.
#[derive(Serialize, ToSchema)]
pub(crate) struct AnnouncedVersion {
    /// `created` for a new version, `changed` when what is known of its build changed, `unchanged` otherwise.
    action: ApplyAction,
    /// What follows from it, in one plain sentence.
    text: String,
    /// The service as it is now.
    #[schema(value_type = Service)]
    service: Resource,
    /// The release that has started by itself, now or when the version was announced before; null when none has.
    #[schema(value_type = Option<Release>, required)]
    release: Option<Resource>,
}

impl From<Announced> for AnnouncedVersion {
    fn from(announced: Announced) -> AnnouncedVersion {
        let Announced { action, text, service, release } = announced;
        AnnouncedVersion { action, text, service, release }
    }
}

/// What was counted for one service, second by second.
#[derive(Serialize, ToSchema)]
pub(crate) struct TrafficSeries {
    /// The service.
    pub(crate) service: Name,
    /// Its environment.
    pub(crate) environment: Name,
    /// The first second asked for.
    pub(crate) from: Timestamp,
    /// The last.
    pub(crate) to: Timestamp,
    /// The time that one point stands for.
    #[schema(example = "1s")]
    pub(crate) step: &'static str,
    /// By version; seconds without requests are left out.
    pub(crate) versions: BTreeMap<VersionName, VersionHistory>,
}

/// Something that happened, as the log has it.
#[derive(ToSchema)]
#[schema(as = EventRecord, rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what the engine hands out; nothing is made of it")]
pub(crate) struct EventEntry {
    /// Its place in the log: 1, 2, 3 … without holes.
    seq: u64,
    /// When it was committed.
    at: Timestamp,
    /// A stable word for what happened.
    #[schema(example = "release.step")]
    kind: String,
    /// To which document.
    subject: DocumentKey,
    /// Who did it: a person, a program, or `sluice` itself.
    actor: String,
    /// What happened, in one plain sentence.
    text: String,
    /// The numbers behind it.
    data: Value,
    /// The hash of the event before: 64 hexadecimal digits.
    previous_hash: String,
    /// The hash of all of this: SHA-256 over `previousHash` and the canonical JSON of the rest.
    hash: String,
}

/// Some events, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventList {
    /// The events.
    #[schema(value_type = Vec<EventEntry>)]
    pub(crate) items: Vec<sluice_engine::port::store::EventRecord>,
    /// Hand this back as `after` to get the next ones; null when these were the last.
    #[schema(required)]
    pub(crate) next: Option<u64>,
}

/// One message of the event stream: `event` names it, `data` is its JSON.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
#[expect(dead_code, reason = "describes the messages; the stream writes them one by one")]
pub(crate) enum LiveMessage {
    /// The stream has begun.
    Hello(Hello),
    /// Something was added to the log. The only message with an `id`: its place in the log.
    Log(Box<EventEntry>),
    /// A release changed visibly, counters included.
    Release(Box<Release>),
    /// A service changed visibly: its versions, their readiness, what is live.
    Service(Box<Service>),
    /// What was counted in the last second, for services with traffic.
    Traffic(TrafficNow),
    /// Messages about releases, services and traffic were missed: read again what is shown.
    Resync(Resync),
}

/// The stream has begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hello {
    /// The version of Sluice. A page that was loaded from another one should load itself anew.
    pub(crate) version: String,
    /// The time at the server.
    pub(crate) at: Timestamp,
    /// The place in the log after which this stream begins.
    pub(crate) after: u64,
}

/// Messages were missed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Resync {
    /// Why, in one plain sentence.
    pub(crate) text: String,
}
