//! gRPC over HTTP/2: how its outcomes are counted, and how the gateway answers it.
//!
//! Its responses are 200 whatever became of them; the outcome is `grpc-status`, in the trailers or, when there is nothing
//! else, in the head. (The gRPC project's `PROTOCOL-HTTP2.md` and `statuscodes.md`.)

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version};

use crate::answer::{ERROR_HEADER, Trouble};

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether a request is one of gRPC. What browsers speak, grpc-web, is another protocol that has its outcome in the body.
pub(crate) fn is_grpc(headers: &HeaderMap, version: Version) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).filter(|_| version == Version::HTTP_2) else { return false };
    let rest = kind.as_bytes().strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// What a response is counted as, once it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// By its status of HTTP.
    Http(u16),
    /// By its status of gRPC, or the lack of one.
    Grpc(Option<u16>),
}

impl Outcome {
    /// From the head of a response.
    pub(crate) fn of(is_grpc: bool, status: StatusCode, headers: &HeaderMap) -> Outcome {
        // Any other status says that it was not gRPC that answered.
        if is_grpc && status == StatusCode::OK {
            return Outcome::Grpc(status_of(headers));
        }
        Outcome::Http(status.as_u16())
    }

    /// Takes in what the trailers say.
    pub(crate) fn take_in(&mut self, trailers: &HeaderMap) {
        if let Outcome::Grpc(status) = self {
            *status = status_of(trailers).or(*status);
        }
    }

    /// As a status of HTTP, which classes are counted by. Faults of the server are those that OpenTelemetry's conventions for
    /// spans of gRPC servers call errors; a response without a status is one that clients take as UNKNOWN.
    pub(crate) fn status(self) -> u16 {
        match self {
            Outcome::Http(status) => status,
            Outcome::Grpc(Some(0)) => 200,
            // CANCELLED, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED,
            // FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNAUTHENTICATED
            Outcome::Grpc(Some(1 | 3 | 5..=11 | 16)) => 400,
            // UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, and what nobody knows
            Outcome::Grpc(_) => 500,
        }
    }
}

fn status_of(headers: &HeaderMap) -> Option<u16> {
    let status = headers.get(GRPC_STATUS)?;
    // What is no number is a status that nobody knows.
    Some(status.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(u16::MAX))
}

/// What the gateway answers by itself: nothing but trailers, which HTTP/2 sends as a head.
pub(crate) fn answer(trouble: Trouble) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(GRPC_STATUS, HeaderValue::from(code(trouble)));
    if let Ok(message) = HeaderValue::try_from(percent_encoded(trouble.detail())) {
        headers.insert(GRPC_MESSAGE, message);
    }
    headers.insert(ERROR_HEADER, HeaderValue::from_static(trouble.code()));
    response
}

/// The project's table from HTTP (`http-grpc-status-mapping.md`), but for timeouts and refusals: clients take UNAVAILABLE for
/// leave to send a request again.
fn code(trouble: Trouble) -> u16 {
    const DEADLINE_EXCEEDED: u16 = 4;
    const PERMISSION_DENIED: u16 = 7;
    const RESOURCE_EXHAUSTED: u16 = 8;
    const UNIMPLEMENTED: u16 = 12;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;
    match trouble {
        Trouble::ResponseTimeout | Trouble::RequestTimeout => return DEADLINE_EXCEEDED,
        Trouble::HeadTooLarge(_) => return RESOURCE_EXHAUSTED,
        _ => {}
    }
    match trouble.status() {
        StatusCode::FORBIDDEN => PERMISSION_DENIED,
        StatusCode::NOT_FOUND => UNIMPLEMENTED,
        StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT
        | StatusCode::TOO_MANY_REQUESTS => UNAVAILABLE,
        _ => INTERNAL,
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn grpc_is_told_from_what_only_begins_like_it() {
        let is = |kind| is_grpc(&headers(CONTENT_TYPE, kind), Version::HTTP_2);
        assert!(is("application/grpc") && is("application/grpc+proto") && is("application/grpc;x=y"));
        assert!(!is("application/grpc-web") && !is("application/json"));
        assert!(!is_grpc(&headers(CONTENT_TYPE, "application/grpc"), Version::HTTP_11));
    }

    #[test]
    fn what_is_missing_or_unknown_is_a_fault_of_the_server() {
        let none = HeaderMap::new();
        let status = |value| Outcome::of(true, StatusCode::OK, &headers(GRPC_STATUS, value)).status();
        assert_eq!(
            ["0", "5", "16", "2", "12", "14", "17", "x"].map(status),
            [200, 400, 400, 500, 500, 500, 500, 500]
        );
        assert_eq!(Outcome::of(true, StatusCode::OK, &none).status(), 500);
        assert_eq!(Outcome::of(true, StatusCode::NOT_FOUND, &none).status(), 404);
        let mut outcome = Outcome::of(true, StatusCode::OK, &none);
        outcome.take_in(&headers(GRPC_STATUS, "0"));
        assert_eq!(outcome.status(), 200);
        let mut http = Outcome::of(false, StatusCode::OK, &none);
        http.take_in(&headers(GRPC_STATUS, "13"));
        assert_eq!(http.status(), 200);
    }

    #[test]
    fn a_message_is_plain_ascii() {
        assert_eq!(percent_encoded("50% é\n"), "50%25 %C3%A9%0A");
    }
}
