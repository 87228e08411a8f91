//! The HTTP API, from the side of a caller: what the command line and the demo use to ask for everything.
//!
//! Blocking, because a command does one thing after another. It speaks to the server that it is told and to nothing
//! else: proxies of the environment are not used.

pub(crate) mod address;
pub(crate) mod foresight;
pub(crate) mod problem;
pub(crate) mod stream;
pub(crate) mod version;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::document::{DocumentKey, Kind};
use sluice_core::release::status::Verb;
use sluice_core::{Name, Span, Timestamp, VersionName};
use sluice_engine::Resource;
use sluice_engine::port::store::EventRecord;
use sluice_engine::resource::{ApplyAction, ReleaseRequest, ResourcePage};
use ureq::http;

use crate::outcome::{Exit, Failure};
use address::ServerAddress;
pub(crate) use problem::Refusal;
pub(crate) use stream::{Message, Stream};

/// Long enough for a commit on a slow disk, short enough that nobody wonders.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The server says something at least every 15 s; three times that without a word, and the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// The largest answer that is read: a page of a thousand releases with their timelines.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// How many documents are asked for at a time.
const PAGE: u32 = 500;

/// One server.
#[derive(Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    address: ServerAddress,
    actor: Option<String>,
}

/// Why something that was asked for did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no server, or the connection broke.
    #[error("the server at {address} cannot be reached")]
    Unreachable {
        address: ServerAddress,
        #[source]
        source: Box<ureq::Error>,
    },
    /// The server answered that it will not or cannot.
    #[error("{}", .0.detail)]
    Refused(Box<Refusal>),
    /// The server answered something that this program does not understand.
    #[error("{address} does not answer as a Sluice server does: {why}")]
    Garbled { address: ServerAddress, why: String },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Unreachable { address, source } => {
                let failure =
                    Failure::new(Exit::Unreachable, format!("the server at {address} cannot be reached"));
                let failure = match *source {
                    // Without the client library's own words around it.
                    ureq::Error::Io(error) => failure.because(&error),
                    other => failure.because(&other),
                };
                failure.hint("start one with `sluice serve`, or name another with --server or SLUICE_URL")
            }
            Error::Refused(refusal) => refusal.into_failure(),
            garbled @ Error::Garbled { .. } => Failure::new(Exit::Unreachable, garbled.to_string())
                .hint("check --server and SLUICE_URL: they name the control plane, not the gateway"),
        }
    }
}

/// What a request carries.
struct Sending {
    method: http::Method,
    path: String,
    content_type: &'static str,
    body: Option<Vec<u8>>,
    headers: Vec<(&'static str, String)>,
}

impl Sending {
    fn get(path: String) -> Sending {
        Sending { method: http::Method::GET, path, content_type: "", body: None, headers: Vec::new() }
    }

    fn post(path: String, content_type: &'static str, body: Vec<u8>) -> Sending {
        Sending { method: http::Method::POST, path, content_type, body: Some(body), headers: Vec::new() }
    }
}

/// What applying one document did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AppliedDocument {
    pub(crate) action: ApplyAction,
    pub(crate) text: String,
    pub(crate) resource: Resource,
}

#[derive(Deserialize)]
struct Results {
    results: Vec<AppliedDocument>,
}

#[derive(Deserialize)]
struct Events {
    items: Vec<EventRecord>,
}

/// A signed header that reaches a dark version.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    pub(crate) header: String,
    pub(crate) value: String,
    pub(crate) expires_at: Timestamp,
}

/// Which documents to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) environment: Option<Name>,
    pub(crate) service: Option<Name>,
    pub(crate) is_active: Option<bool>,
    pub(crate) newest_first: bool,
    /// How many at most; all when absent.
    pub(crate) limit: Option<u32>,
}

impl Client {
    /// A client of the server at `address`. `actor` is who acts, for the event log.
    pub(crate) fn new(address: ServerAddress, actor: Option<String>) -> Client {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .user_agent(concat!("sluice/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client { agent, address, actor }
    }

    fn send(&self, sending: Sending, is_stream: bool) -> Result<http::Response<ureq::Body>, Error> {
        let mut request = http::Request::builder()
            .method(sending.method)
            .uri(format!("{}{}", self.address, sending.path))
            .header("accept", if is_stream { "text/event-stream" } else { "application/json" });
        for (name, value) in sending.headers {
            request = request.header(name, value);
        }
        if let Some(actor) = &self.actor {
            request = request.header("x-sluice-actor", actor);
        }
        let unreachable =
            |source| Error::Unreachable { address: self.address.clone(), source: Box::new(source) };
        let built = match sending.body {
            Some(body) => {
                let request = request.header("content-type", sending.content_type).body(body);
                let request = request.map_err(|error| unreachable(error.into()))?;
                self.agent.run(self.agent.configure_request(request).timeouts(is_stream).build())
            }
            None => {
                let request = request.body(()).map_err(|error| unreachable(error.into()))?;
                self.agent.run(self.agent.configure_request(request).timeouts(is_stream).build())
            }
        };
        built.map_err(unreachable)
    }

    /// Asks once, or again when the connection broke and the request may safely come twice.
    fn ask(&self, sending: Sending) -> Result<Value, Error> {
        let response = self.send(sending, false)?;
        let status = response.status();
        let text = response.into_body().into_with_config().limit(ANSWER_BYTES_MAX).read_to_string().map_err(
            |source| Error::Unreachable { address: self.address.clone(), source: Box::new(source) },
        )?;
        if !status.is_success() {
            return Err(self.refused(status.as_u16(), &text));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| self.garbled(error.to_string()))
    }

    fn read<T: DeserializeOwned>(&self, sending: Sending) -> Result<T, Error> {
        serde_json::from_value(self.ask(sending)?).map_err(|error| self.garbled(error.to_string()))
    }

    fn refused(&self, status: u16, text: &str) -> Error {
        match Refusal::parse(status, text) {
            Some(refusal) => Error::Refused(Box::new(refusal)),
            None => self.garbled(format!("status {status} without a problem body")),
        }
    }

    fn garbled(&self, why: String) -> Error {
        Error::Garbled { address: self.address.clone(), why }
    }

    /// One document.
    pub(crate) fn get(&self, kind: Kind, name: &Name, environment: Option<&Name>) -> Result<Resource, Error> {
        let query = query(&[("environment", environment.map(Name::as_str))]);
        self.read(Sending::get(format!("/api/v1/{}/{name}{query}", kind.plural())))
    }

    /// Documents of a kind, page by page.
    pub(crate) fn list(&self, kind: Kind, filter: &Filter) -> Result<Vec<Resource>, Error> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let wanted = filter.limit.map_or(PAGE, |limit| PAGE.min(limit));
            let query = query(&[
                ("environment", filter.environment.as_ref().map(Name::as_str)),
                ("service", filter.service.as_ref().map(Name::as_str)),
                ("active", filter.is_active.map(|is| if is { "true" } else { "false" })),
                ("newest", filter.newest_first.then_some("true")),
                ("limit", Some(&wanted.to_string())),
                ("cursor", cursor.as_deref()),
            ]);
            let page: ResourcePage = self.read(Sending::get(format!("/api/v1/{}{query}", kind.plural())))?;
            items.extend(page.items);
            let is_enough = filter.limit.is_some_and(|limit| items.len() >= limit as usize);
            cursor = page.next;
            if is_enough || cursor.is_none() {
                items.truncate(filter.limit.map_or(usize::MAX, |limit| limit as usize));
                return Ok(items);
            }
        }
    }

    /// Applies documents, all or none.
    pub(crate) fn apply(&self, yaml: &str, is_dry_run: bool) -> Result<Vec<AppliedDocument>, Error> {
        let path = format!("/api/v1/apply?dryRun={is_dry_run}");
        let results: Results =
            self.read(Sending::post(path, "application/yaml", yaml.as_bytes().to_vec()))?;
        Ok(results.results)
    }

    /// Deletes a document.
    pub(crate) fn delete(&self, key: &DocumentKey) -> Result<(), Error> {
        let query = query(&[("environment", key.environment.as_ref().map(Name::as_str))]);
        let path = format!("/api/v1/{}/{}{query}", key.kind.plural(), key.name);
        let sending = Sending { method: http::Method::DELETE, ..Sending::get(path) };
        self.ask(sending).map(|_| ())
    }

    /// Starts a release. Safe to come twice: the server remembers the answer.
    pub(crate) fn start_release(
        &self,
        request: &ReleaseRequest,
        reason: Option<&str>,
    ) -> Result<Resource, Error> {
        let mut body = json_object(request);
        if let Some(reason) = reason {
            body.insert("reason".to_owned(), reason.into());
        }
        self.post_once("/api/v1/releases".to_owned(), &Value::Object(body))
    }

    /// Acts on a release. Safe to come twice.
    pub(crate) fn act(&self, release: &Name, verb: Verb, reason: Option<&str>) -> Result<Resource, Error> {
        let body = serde_json::json!({ "reason": reason });
        self.post_once(format!("/api/v1/releases/{release}/{}", verb.as_str()), &body)
    }

    /// Posts with a key by which the server recognises the request when the connection broke and it comes again.
    fn post_once<T: DeserializeOwned>(&self, path: String, body: &Value) -> Result<T, Error> {
        let key = random_key();
        let sending = || Sending {
            headers: vec![("idempotency-key", key.clone())],
            ..Sending::post(path.clone(), "application/json", body.to_string().into_bytes())
        };
        match self.read(sending()) {
            Err(Error::Unreachable { source, .. }) if is_broken_off(&source) => self.read(sending()),
            answer => answer,
        }
    }

    /// Makes a signed header for a dark version.
    pub(crate) fn preview(
        &self,
        service: &Name,
        version: &VersionName,
        period: Span,
        environment: Option<&Name>,
    ) -> Result<Preview, Error> {
        let query = query(&[("environment", environment.map(Name::as_str))]);
        let body = serde_json::json!({ "version": version, "for": period });
        let path = format!("/api/v1/services/{service}/preview{query}");
        self.read(Sending::post(path, "application/json", body.to_string().into_bytes()))
    }

    /// The last events, oldest first.
    pub(crate) fn last_events(&self, limit: u16) -> Result<Vec<EventRecord>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let events: Events = self.read(Sending::get(format!("/api/v1/events?newest=true&limit={limit}")))?;
        Ok(events.items)
    }

    /// Whether control plane and gateway both serve.
    pub(crate) fn is_ready(&self) -> bool {
        self.send(Sending::get("/readyz".to_owned()), false).is_ok_and(|response| response.status() == 200)
    }

    /// Live messages, beginning after an event. Without `after`, with what happens from now on.
    pub(crate) fn stream(&self, after: Option<u64>) -> Result<Stream, Error> {
        let after = after.map(|seq| seq.to_string());
        let query = query(&[("after", after.as_deref())]);
        let response = self.send(Sending::get(format!("/api/v1/events{query}")), true)?;
        let status = response.status().as_u16();
        if status != 200 {
            let text = response.into_body().read_to_string().unwrap_or_default();
            return Err(self.refused(status, &text));
        }
        Ok(Stream::new(response.into_body()))
    }
}

/// The two ways of waiting for an answer.
trait Timeouts {
    fn timeouts(self, is_stream: bool) -> Self;
}

impl<S: ureq::AsSendBody> Timeouts for ureq::config::ConfigBuilder<ureq::typestate::HttpCrateScope<S>> {
    fn timeouts(self, is_stream: bool) -> Self {
        if is_stream {
            self.timeout_recv_response(Some(ANSWER_WITHIN)).timeout_per_read(Some(SILENCE_MAX))
        } else {
            self.timeout_global(Some(ANSWER_WITHIN))
        }
    }
}

/// Whether the connection stood and then broke, so that the server may have done what was asked.
fn is_broken_off(error: &ureq::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        ureq::Error::Io(error) => {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        }
        _ => false,
    }
}

fn json_object(value: &impl Serialize) -> serde_json::Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

/// 128 random bits, as hexadecimal digits.
fn random_key() -> String {
    let mut bytes = [0_u8; 16];
    // Sixteen bytes are below what the system gives in one piece; should it fail, a key of zeros would be refused
    // with the first other request, so time takes its place.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = now.as_nanos().to_be_bytes();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A query with the parameters that have a value: `?a=1&b=2`, or nothing.
fn query(parameters: &[(&str, Option<&str>)]) -> String {
    let given: BTreeMap<&str, &str> =
        parameters.iter().filter_map(|(name, value)| value.map(|value| (*name, value))).collect();
    let parts: Vec<String> = given.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_holds_what_was_given_and_is_safe_in_an_address() {
        assert_eq!(query(&[("a", None), ("cursor", Some("x/y+z=="))]), "?cursor=x%2Fy%2Bz%3D%3D");
        assert_eq!(query(&[("a", None)]), "");
    }

    #[test]
    fn keys_differ() {
        assert_ne!(random_key(), random_key());
        assert_eq!(random_key().len(), 32);
    }
}
