//! Gates, and the webhooks that some of them ask.

use super::super::scalar::text;
use super::super::service::present_list;
use super::super::{Decode, Fields, Reader, Step};
use super::once;
use crate::Name;
use crate::document::node::{Node, Value};
use crate::document::policy::{
    Approval, DEFAULT_APPROVAL_EXPIRES, DEFAULT_HOOK_TIMEOUT, DEFAULT_VERSION_EXPIRES, DEFAULT_WEBHOOK_EVERY,
    DEFAULT_WEBHOOK_EXPIRES, Hook, PointOfNoReturn, SecretSource, VersionGate, WebhookGate,
};
use crate::document::problem::Fault;

impl Decode for Approval {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { roles: [ product ] }")?;
        let roles = present_list::<Name>(&mut fields, "roles", "nobody could approve");
        once(&mut fields, "roles", roles.as_deref().unwrap_or_default());
        let count = fields.or("count", 1_u32);
        let count = fields.at_least_one("count", count);
        let expires = fields.or("expires", DEFAULT_APPROVAL_EXPIRES);
        let expires = fields.longer_than_nothing("expires", expires);
        let four_eyes = fields.or("fourEyes", true);
        fields.finish();
        Some(Approval {
            roles: roles?.into_iter().collect::<Option<_>>()?,
            count: count?,
            expires: expires?,
            four_eyes: four_eyes?,
        })
    }
}

const HOOK_FORM: &str =
    "an object, as { url: \"https://ci.example.com/verdict\", secret: { env: CI_SECRET } }";

/// The fields that every webhook has.
fn hook(fields: &mut Fields<'_, '_>) -> Option<Hook> {
    let url = fields.required("url");
    let secret = fields.optional("secret");
    let timeout = fields.or("timeout", DEFAULT_HOOK_TIMEOUT);
    let timeout = fields.longer_than_nothing("timeout", timeout);
    Some(Hook { url: url?, secret: secret?, timeout: timeout? })
}

impl Decode for Hook {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, HOOK_FORM)?;
        let hook = hook(&mut fields);
        fields.finish();
        hook
    }
}

impl Decode for WebhookGate {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, HOOK_FORM)?;
        let hook = hook(&mut fields);
        let every = fields.or("every", DEFAULT_WEBHOOK_EVERY);
        let every = fields.longer_than_nothing("every", every);
        let expires = fields.or("expires", DEFAULT_WEBHOOK_EXPIRES);
        let expires = fields.longer_than_nothing("expires", expires);
        fields.finish();
        let (hook, every, expires) = (hook?, every?, expires?);
        if every > expires {
            let message =
                format!("it would be asked once only: it gives up after {expires}, before {every} are over");
            reader.report_in(node, &["every".into()], Fault::conflict(message).hint("make `expires` longer"));
            return None;
        }
        Some(WebhookGate { hook, every, expires })
    }
}

impl Decode for SecretSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const FORMS: &str = "{ env: NAME } or { file: PATH }, as the server sees them";
        if !matches!(node.value, Value::Object(_)) {
            // What was written may be the secret: it is not repeated.
            let fault =
                Fault::new("wrong-type", "a secret does not belong in a document; say where it is kept");
            reader.report_at(node.at, fault.accepted(FORMS));
            return None;
        }
        let mut fields = Fields::open(node, reader)?;
        let env = fields.optional::<EnvName>("env");
        let file = fields.optional::<String>("file");
        let source = match (env?, file?) {
            (Some(EnvName(name)), None) => Some(SecretSource::Env(name)),
            (None, Some(path)) if !path.is_empty() => Some(SecretSource::File(path)),
            (None, Some(_)) => {
                fields.report_in(&["file".into()], Fault::invalid("it names no file"));
                None
            }
            (Some(_), Some(_)) => {
                let fault = Fault::conflict("a secret is kept in one place");
                fields.report_in(&[], fault.accepted(FORMS));
                None
            }
            (None, None) => {
                if !fields.has_strangers() {
                    let fault = Fault::new("missing-field", "it does not say where the secret is kept");
                    fields.report_in(&[], fault.accepted(FORMS));
                }
                None
            }
        };
        fields.finish();
        source
    }
}

/// The name of a variable of the server's environment.
struct EnvName(String);

impl Decode for EnvName {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let name = text(node, "the name of a variable", reader)?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_name {
            // Somebody may have written the secret itself.
            let fault = Fault::invalid("this is not the name of a variable of the server's environment");
            reader.report_at(node.at, fault.accepted("letters, digits and `_`, as CI_SECRET"));
            return None;
        }
        Some(EnvName(name.to_owned()))
    }
}

impl Decode for VersionGate {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { service: payments, version: \">=1.4.0\" }")?;
        let service = fields.required("service");
        let version = fields.required("version");
        let expires = fields.or("expires", DEFAULT_VERSION_EXPIRES);
        let expires = fields.longer_than_nothing("expires", expires);
        fields.finish();
        Some(VersionGate { service: service?, version: version?, expires: expires? })
    }
}

impl Decode for PointOfNoReturn {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(
            node,
            reader,
            "an object, as { reason: \"orders are kept in a form that 2.0 cannot read\" }",
        )?;
        let reason = fields.required::<String>("reason");
        fields.finish();
        let reason = reason?;
        if reason.trim().is_empty() {
            let fault = Fault::invalid("it gives no reason")
                .hint("say in a sentence why nobody can be taken back; it is shown to whoever wants to");
            reader.report_in(node, &[Step::from("reason")], fault);
            return None;
        }
        Some(PointOfNoReturn { reason })
    }
}
