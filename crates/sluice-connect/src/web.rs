//! Asking other programs over HTTP, for sources of metrics: limits, secrets, and what refusals mean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use sluice_core::Span;
use sluice_core::document::policy::SecretSource;
use sluice_engine::port::source::Trouble;

use crate::exchange::{self, Answered, Limit, Target, Wanted};
use crate::hooks::{ReadVariable, SLUICE, host};
use crate::plain::plain;
use crate::secret::{self, Secret};
use crate::trust::Trust;

/// Some ten thousand series; a query that gives more asks for too much each time.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What others say of their troubles, in characters.
const SAID_CHARS_MAX: usize = 200;
/// The longest that a source may ask to be left alone.
const RETRY_SECS_MAX: u64 = 3600;

pub(crate) const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A [`Trouble`] without a time to come back at.
pub(crate) fn trouble(why: impl Into<String>) -> Trouble {
    Trouble { why: why.into(), retry_after: None }
}

/// What every request of every source shares.
pub(crate) struct Web {
    pub(crate) read_variable: ReadVariable,
    pub(crate) trust: Trust,
}

/// One request.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The whole address, with its query.
    pub(crate) url: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn get(url: String) -> Request {
        Request { method: Method::GET, url, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn post(url: String, kind: HeaderValue, body: impl Into<Bytes>) -> Request {
        let headers = vec![(CONTENT_TYPE, kind)];
        Request { method: Method::POST, url, headers, body: body.into() }
    }

    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Request {
        self.headers.push((name, value));
        self
    }
}

impl Web {
    /// The secret's text, read anew each time, so that it can be changed while Sluice runs.
    ///
    /// # Errors
    /// When it is not there, or no text.
    pub(crate) async fn secret(&self, source: &SecretSource, limit: Limit) -> Result<Secret, Trouble> {
        let reading = async {
            secret::read(source, &self.read_variable).await.map_err(crate::trouble::Trouble::Unsigned)
        };
        let read = limit.keep(crate::trouble::Trouble::SecretTooLate, reading).await;
        read.map_err(|why| trouble(format!("the source {why}")))
    }

    /// Asks, and reads the whole answer as JSON.
    ///
    /// # Errors
    /// [`Trouble`] with the host's name for every answer but a success that is JSON.
    ///
    /// # Cancel safety
    /// When dropped, the connection is closed.
    pub(crate) async fn json<T: for<'a> Deserialize<'a>>(
        &self,
        request: Request,
        limit: Limit,
    ) -> Result<T, Trouble> {
        let host = host(&request.url).to_owned();
        let answered = self.send(request, limit).await?;
        if !answered.status.is_success() {
            return Err(refusal(&host, &answered));
        }
        serde_json::from_slice(&answered.body).map_err(|error| {
            trouble(format!("{host} answered what cannot be understood: {}", said(&error.to_string())))
        })
    }

    async fn send(&self, request: Request, limit: Limit) -> Result<Answered, Trouble> {
        let host = host(&request.url).to_owned();
        let broken = |why: crate::trouble::Trouble| trouble(format!("{host} {why}"));
        let target = Target::parse(&request.url).map_err(broken)?;
        let mut headers: HeaderMap = request.headers.into_iter().collect();
        headers.insert(USER_AGENT, HeaderValue::from_static(SLUICE));
        headers.entry(ACCEPT).or_insert(JSON);
        let wanted = Wanted { body_bytes_max: ANSWER_BYTES_MAX, is_any_status: true };
        exchange::send(request.method, &target, headers, request.body, &self.trust, limit, wanted)
            .await
            .map_err(broken)
    }
}

/// What a refusal means. The texts of those who refuse usually name what to mend.
fn refusal(host: &str, answered: &Answered) -> Trouble {
    let status = answered.status;
    let mut why = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("{host} answered {status}: the metric's `secret` is missing or not the right one")
        }
        StatusCode::TOO_MANY_REQUESTS => {
            format!("{host} answered {status}: it is asked too often; read it less often")
        }
        _ => format!("{host} answered {status}"),
    };
    if let Some(text) = serde_json::from_slice(&answered.body).ok().and_then(|body| explanation(&body)) {
        why.push_str(": ");
        why.push_str(&text);
    }
    Trouble { why, retry_after: retry_after(&answered.headers) }
}

/// The sentence in an error's body, in the forms that are usual.
fn explanation(body: &Value) -> Option<String> {
    let texts = [
        &body["error"],
        &body["message"],
        &body["errors"][0],
        &body["errors"][0]["message"],
        &body["detail"],
    ];
    texts.into_iter().find_map(Value::as_str).map(said)
}

/// What somebody else wrote, fit for a sentence.
pub(crate) fn said(text: &str) -> String {
    plain(text, SAID_CHARS_MAX).unwrap_or_default()
}

/// How long to stay away. Only seconds are understood; a date would need clocks that agree.
fn retry_after(headers: &HeaderMap) -> Option<Span> {
    let secs: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Span::from_secs(secs.min(RETRY_SECS_MAX)))
}

/// `Authorization` from a secret: `user:password` as those, anything else as a bearer token.
///
/// # Errors
/// When the secret cannot stand in a header.
pub(crate) fn authorization(secret: &Secret) -> Result<HeaderValue, Trouble> {
    let text = secret.text().ok_or_else(|| trouble("it was not asked: its secret is no text"))?;
    let value = match text.split_once(':') {
        Some(_) => format!("Basic {}", STANDARD.encode(text)),
        None => format!("Bearer {text}"),
    };
    secret_header(&value)
}

/// A header that no log may show.
///
/// # Errors
/// When the secret cannot stand in a header.
pub(crate) fn secret_header(value: &str) -> Result<HeaderValue, Trouble> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| trouble("it was not asked: its secret has characters that no header can have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Everything but letters, digits and `-._~` written as `%XX` (RFC 3986, section 2.3): fit for a path, a query and a
/// form.
pub(crate) fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `name=value&…`, encoded.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// An address that stands in a document, checked when it is opened.
///
/// # Errors
/// When nothing could be asked there, or it holds what belongs in `secret`.
pub(crate) fn check_address(url: &str) -> Result<(), Trouble> {
    let authority =
        url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(trouble(
            "its address holds a user name or a password; write those in a file or a variable and name it in `secret`",
        ));
    }
    Target::parse(url).map(drop).map_err(|why| trouble(format!("{} {why}", host(url))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_passwords_are_refused() {
        assert!(check_address("http://prometheus:9090/x").is_ok());
        assert!(check_address("http://me:pass@prometheus:9090").unwrap_err().why.contains("`secret`"));
        assert!(check_address("prometheus:9090").is_err());
    }

    #[test]
    fn forms_hold_any_text() {
        assert_eq!(form(&[("query", "a{b=\"c&d\"} + é")]), "query=a%7Bb%3D%22c%26d%22%7D%20%2B%20%C3%A9");
    }
}
