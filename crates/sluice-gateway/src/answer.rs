//! What the gateway answers by itself: short, correct, and with a code that scripts can rely on.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// The response header that holds the code of an answer that the gateway made itself.
pub(crate) const ERROR_HEADER: HeaderName = HeaderName::from_static("x-sluice-error");

/// Why the gateway answers a request by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The request breaks a rule of HTTP, or one that keeps two servers from reading it in two ways.
    BadRequest(&'static str),
    /// The head came too slowly, or the body stopped coming.
    RequestTimeout,
    /// The head is too long, or has too many headers.
    HeadTooLarge(&'static str),
    /// Not HTTP/1.0 and not HTTP/1.1.
    HttpVersion,
    /// No service has this host and path.
    NoRoute,
    /// The preview header is malformed or was not signed for this service.
    PreviewForged,
    /// The preview header's time is over.
    PreviewExpired,
    /// The preview header shows a version that the service does not have.
    PreviewUnknownVersion,
    /// The version has no endpoint that can take a request.
    NoReadyEndpoint,
    /// Every endpoint has all the requests that it may have, and no more may wait.
    Overloaded,
    /// The gateway has all the visitors that it may have.
    TooManyConnections,
    /// The endpoint takes no connection.
    ConnectFailed,
    /// The endpoint took too long to take a connection.
    ConnectTimeout,
    /// The endpoint closed the connection before it answered.
    EndpointReset,
    /// The endpoint answered something that is not HTTP.
    BadResponse,
    /// The endpoint took too long to answer.
    ResponseTimeout,
    /// The gateway has a fault.
    Internal,
}

impl Trouble {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Trouble::BadRequest(_) => StatusCode::BAD_REQUEST,
            Trouble::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Trouble::HeadTooLarge(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Trouble::HttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Trouble::NoRoute => StatusCode::NOT_FOUND,
            Trouble::PreviewForged | Trouble::PreviewExpired | Trouble::PreviewUnknownVersion => {
                StatusCode::FORBIDDEN
            }
            Trouble::NoReadyEndpoint | Trouble::Overloaded | Trouble::TooManyConnections => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Trouble::ConnectFailed | Trouble::EndpointReset | Trouble::BadResponse => StatusCode::BAD_GATEWAY,
            Trouble::ConnectTimeout | Trouble::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
            Trouble::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The value of `x-sluice-error`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Trouble::BadRequest(_) => "bad-request",
            Trouble::RequestTimeout => "request-timeout",
            Trouble::HeadTooLarge(_) => "head-too-large",
            Trouble::HttpVersion => "http-version",
            Trouble::NoRoute => "no-route",
            Trouble::PreviewForged => "preview-invalid",
            Trouble::PreviewExpired => "preview-expired",
            Trouble::PreviewUnknownVersion => "preview-unknown-version",
            Trouble::NoReadyEndpoint => "no-ready-endpoint",
            Trouble::Overloaded => "overloaded",
            Trouble::TooManyConnections => "too-many-connections",
            Trouble::ConnectFailed => "connect-failed",
            Trouble::ConnectTimeout => "connect-timeout",
            Trouble::EndpointReset => "reset",
            Trouble::BadResponse => "bad-response",
            Trouble::ResponseTimeout => "response-timeout",
            Trouble::Internal => "internal",
        }
    }

    /// One plain sentence for the visitor. It names no endpoint: visitors are strangers.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Trouble::BadRequest(why) | Trouble::HeadTooLarge(why) => why,
            Trouble::RequestTimeout => "The request came too slowly.",
            Trouble::HttpVersion => "Only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here.",
            Trouble::NoRoute => "No service is reached under this host and path.",
            Trouble::PreviewForged => {
                "The preview header was not signed for this service; ask for a new one."
            }
            Trouble::PreviewExpired => "The preview has expired; ask for a new one.",
            Trouble::PreviewUnknownVersion => {
                "The previewed version is no longer there; ask for a new preview."
            }
            Trouble::NoReadyEndpoint => "No server of this service is ready; try again soon.",
            Trouble::Overloaded => "Every server of this service is busy; try again soon.",
            Trouble::TooManyConnections => "The gateway has no room for another visitor; try again soon.",
            Trouble::ConnectFailed => "The server takes no connection.",
            Trouble::ConnectTimeout => "The server did not take a connection in time.",
            Trouble::EndpointReset => "The server closed the connection before it answered.",
            Trouble::BadResponse => "The server answered something that is not HTTP.",
            Trouble::ResponseTimeout => "The server did not answer in time.",
            Trouble::Internal => "The gateway has a fault.",
        }
    }

    /// As a response: a problem document (RFC 9457) for who accepts JSON, plain text for everybody else.
    pub(crate) fn answer(self, request: &HeaderMap) -> Response<Bytes> {
        let wants_json = request.get_all(ACCEPT).iter().any(|accept| contains(accept.as_bytes(), b"json"));
        let (kind, body) = if wants_json {
            ("application/problem+json", self.problem())
        } else {
            ("text/plain; charset=utf-8", format!("{}\n", self.detail()))
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        // An answer of the gateway says nothing about the resource.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(ERROR_HEADER, HeaderValue::from_static(self.code()));
        if matches!(self, Trouble::BadRequest(_) | Trouble::RequestTimeout) {
            // Whoever sends such a request may mean something else by what follows it.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn problem(self) -> String {
        let status = self.status();
        serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(),
            "code": self.code(),
            "detail": self.detail(),
        })
        .to_string()
    }

    /// As the last bytes of a connection, for a request that was never read as one.
    pub(crate) fn farewell(self) -> Vec<u8> {
        let status = self.status();
        let body = format!("{}\n", self.detail());
        format!(
            "HTTP/1.1 {} {}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
             cache-control: no-store\r\nx-sluice-error: {}\r\nconnection: close\r\n\r\n{body}",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default(),
            body.len(),
            self.code(),
        )
        .into_bytes()
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_accepts_json_gets_a_problem_document_and_everybody_else_a_sentence() {
        let mut headers = HeaderMap::new();
        let text = Trouble::NoRoute.answer(&headers);
        assert_eq!(text.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        headers.insert(ACCEPT, HeaderValue::from_static("text/html, application/JSON;q=0.9"));
        let json = Trouble::NoRoute.answer(&headers);
        assert_eq!(json.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(json.headers()[ERROR_HEADER], "no-route");
        let problem: serde_json::Value = serde_json::from_slice(json.body()).unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&404.into(), &"no-route".into()));
    }
}
