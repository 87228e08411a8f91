//! Gates: what must be said or be so before a release goes on. Nobody else meets the candidate meanwhile, and checks
//! go on.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Hook, HookUrl, SecretSource};
use crate::name::VersionNeed;
use crate::{Name, Span};

/// One day: until the same time tomorrow, when the same people are at work again.
pub const DEFAULT_APPROVAL_EXPIRES: Span = Span::from_secs(24 * 3600);
/// One day, as for people: it is people who release the other service.
pub const DEFAULT_VERSION_EXPIRES: Span = Span::from_secs(24 * 3600);
/// One hour.
pub const DEFAULT_WEBHOOK_EXPIRES: Span = Span::from_secs(3600);
/// Half a minute.
pub const DEFAULT_WEBHOOK_EVERY: Span = Span::from_secs(30);

/// People have to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// Who may approve: people with any of these roles of the environment.
    #[schema(min_items = 1)]
    pub roles: Vec<Name>,
    /// How many different people have to. Default 1.
    pub count: u32,
    /// How long they may take; then the release does what it does when a check cannot tell. Default 24h.
    pub expires: Span,
    /// With `true`, whoever started the release cannot approve it. Default `true`.
    pub four_eyes: bool,
}

/// Another program has to say that all is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WebhookFields", into = "WebhookFields")]
pub struct WebhookGate {
    /// Who is asked. It answers `{"verdict": "pass" | "fail" | "wait", "reason": "…"}`.
    pub hook: Hook,
    /// How long until it is asked again, after `wait` or an answer that makes no sense. Default 30s.
    pub every: Span,
    /// How long it may take in all; then the release does what it does when a check cannot tell. Default 1h.
    pub expires: Span,
}

/// A webhook's gate as it is written: one flat object.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WebhookFields {
    /// Who is asked: `http` or `https`. It answers `{"verdict": "pass" | "fail" | "wait", "reason": "…"}`.
    url: HookUrl,
    /// What requests are signed with (HMAC-SHA256), kept outside of documents. Unsigned when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<SecretSource>,
    /// How long an answer may take. Default 10s.
    timeout: Span,
    /// How long until it is asked again, after `wait` or an answer that makes no sense. Default 30s.
    every: Span,
    /// How long it may take in all; then the release does what it does when a check cannot tell. Default 1h.
    expires: Span,
}

impl From<WebhookFields> for WebhookGate {
    fn from(fields: WebhookFields) -> WebhookGate {
        let WebhookFields { url, secret, timeout, every, expires } = fields;
        WebhookGate { hook: Hook { url, secret, timeout }, every, expires }
    }
}

impl From<WebhookGate> for WebhookFields {
    fn from(gate: WebhookGate) -> WebhookFields {
        let WebhookGate { hook: Hook { url, secret, timeout }, every, expires } = gate;
        WebhookFields { url, secret, timeout, every, expires }
    }
}

/// The fields are flat: a schema that puts the webhook's own beside the gate's would refuse all.
impl utoipa::PartialSchema for WebhookGate {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        WebhookFields::schema()
    }
}

impl ToSchema for WebhookGate {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("WebhookGate")
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>) {
        WebhookFields::schemas(schemas);
    }
}

/// Another service has to have a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionGate {
    /// The service, in the release's environment.
    pub service: Name,
    /// The version that must be live there: `1.4.0` or `>=1.4.0`.
    pub version: VersionNeed,
    /// How long it may take; then the release does what it does when a check cannot tell. Default 24h.
    pub expires: Span,
}

/// From here on nobody can be taken back, as after data was migrated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PointOfNoReturn {
    /// Why, in a plain sentence, for whoever wants to roll back.
    pub reason: String,
}
