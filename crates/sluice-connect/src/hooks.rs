//! The engine's port for webhooks, over HTTP.

mod answer;

use std::ffi::OsString;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde_json::Value;
use sluice_core::document::policy::Hook;
use sluice_core::release::HookAnswer;
use sluice_engine::port::Hooks;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{self, RootCertStore};

use crate::exchange::{self, Answered, Limit, Target};
use crate::secret;
use crate::trouble::{Broken, Trouble};
use crate::trust::Trust;

const DELIVERY: HeaderName = HeaderName::from_static("x-sluice-delivery");
const SIGNATURE: HeaderName = HeaderName::from_static("x-sluice-signature");
pub(crate) const SLUICE: &str = concat!("sluice/", env!("CARGO_PKG_VERSION"));

/// Reads any bytes as the body of a webhook's successful answer. For whoever wants to see that none do harm.
pub fn read_hook_answer(body: &[u8]) -> HookAnswer {
    answer::read(&HeaderMap::new(), body)
}

/// Reads a variable of the server's environment.
pub type ReadVariable = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// What webhooks are called with.
pub struct Options {
    /// Reads the variables that hold secrets, at each call.
    pub read_variable: ReadVariable,
    /// Certificates of authorities that are trusted beside those that the machine trusts.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

/// A certificate that nothing can be verified with.
#[derive(Debug, thiserror::Error)]
#[error("the certificate authority number {number} cannot be read: {source}")]
pub struct InvalidRoot {
    /// Its place in [`Options::extra_roots`], from 1.
    pub number: usize,
    source: rustls::Error,
}

/// Calls webhooks over `http` and `https`, each call on a connection of its own.
pub struct HttpHooks {
    read_variable: ReadVariable,
    trust: Trust,
}

impl HttpHooks {
    /// Reads and connects to nothing yet.
    ///
    /// # Errors
    /// When an extra root is no certificate.
    pub fn new(options: Options) -> Result<HttpHooks, InvalidRoot> {
        let trust = Trust::with(roots(options.extra_roots)?);
        Ok(HttpHooks { read_variable: options.read_variable, trust })
    }

    async fn post(&self, hook: &Hook, delivery: &str, body: Bytes) -> Result<Answered, Trouble> {
        let limit = Limit::of(hook.timeout);
        let target = Target::parse(hook.url.as_str())?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(SLUICE));
        headers.insert(DELIVERY, HeaderValue::from_str(delivery).map_err(|_| Trouble::InvalidDelivery)?);
        if let Some(source) = &hook.secret {
            let reading =
                async { secret::read(source, &self.read_variable).await.map_err(Trouble::Unsigned) };
            let secret = limit.keep(Trouble::SecretTooLate, reading).await?;
            headers.insert(SIGNATURE, secret.signature(unix_seconds(), &body));
        }
        exchange::post(&target, headers, body, &self.trust, limit).await
    }
}

#[async_trait]
impl Hooks for HttpHooks {
    async fn call(&self, hook: &Hook, delivery: &str, body: &Value) -> HookAnswer {
        match self.post(hook, delivery, Bytes::from(body.to_string())).await {
            Ok(answered) => answer::read(&answered.headers, &answered.body),
            Err(trouble) => {
                let broken = Broken { host: host(hook.url.as_str()).to_owned(), trouble };
                HookAnswer::Broken { why: broken.to_string() }
            }
        }
    }
}

/// The certificates as authorities.
pub(crate) fn roots(extra: Vec<CertificateDer<'static>>) -> Result<RootCertStore, InvalidRoot> {
    let mut roots = RootCertStore::empty();
    for (index, root) in extra.into_iter().enumerate() {
        roots.add(root).map_err(|source| InvalidRoot { number: index + 1, source })?;
    }
    Ok(roots)
}

/// Host and port as they stand in the address, also when the rest cannot be read.
pub(crate) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// A clock before 1970 signs as of 1970, which receivers refuse as too old.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
