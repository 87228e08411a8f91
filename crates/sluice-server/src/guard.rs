//! Who is answered at all, and what browsers are told to beware of.
//!
//! There is no sign-in yet. Listening on loopback keeps other machines out, but not other sites: a page from anywhere
//! can make the browser of somebody who runs Sluice send requests to 127.0.0.1, and by pointing a name of its own at
//! 127.0.0.1 (DNS rebinding) it can even read the answers. Two checks keep both out:
//!
//! - `Host` must be a loopback name or address with this server's port. A rebound name is not.
//! - `Origin`, which browsers add to whatever could change something, must be this server.
//!
//! No answer carries a CORS header, so that no other site can read one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{ApiError, Code};
use crate::state::State;

/// For everything but the dashboard's pages: nothing in it may run, and nobody may frame it.
const POLICY_DATA: &str = "default-src 'none'; frame-ancestors 'none'";

/// Refuses requests that came from elsewhere, and adds the headers that keep browsers safe.
pub(crate) async fn guard(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    let mut response = match check(&request, state.address) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::X_FRAME_OPTIONS, "DENY");
    default(header::REFERRER_POLICY, "no-referrer");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    default(header::CONTENT_SECURITY_POLICY, POLICY_DATA);
    // States change without a change of their resource version, so that nothing but files may be kept.
    default(header::CACHE_CONTROL, "no-store");
    response
}

fn check(request: &Request, address: SocketAddr) -> Result<(), ApiError> {
    let refused = |detail: String| {
        Err(ApiError::new(Code::ForeignOrigin, detail)
            .hint(format!("use http://{address} or http://localhost:{}", address.port())))
    };
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => match only(request.headers(), &header::HOST) {
            Some(host) => host,
            None => return refused("the request has no `Host`, or more than one".to_owned()),
        },
    };
    if !is_ours(host, address) {
        return refused(format!("requests to `{host}` are not answered without sign-in"));
    }
    if !request.headers().contains_key(header::ORIGIN) {
        return Ok(());
    }
    match only(request.headers(), &header::ORIGIN) {
        Some(origin) if origin.strip_prefix("http://").is_some_and(|host| is_ours(host, address)) => Ok(()),
        Some(origin) => refused(format!("requests that `{origin}` sends are not answered")),
        None => refused("the request has more than one `Origin`".to_owned()),
    }
}

/// The value of a header that may occur once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Whether `host` is a loopback name or address with the port of `address`.
fn is_ours(host: &str, address: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') || authority.port_u16().unwrap_or(80) != address.port() {
        return false;
    }
    let name = authority.host();
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn only_loopback_names_with_the_own_port_are_ours() {
        let address = "127.0.0.1:7070".parse().unwrap();
        for host in ["127.0.0.1:7070", "localhost:7070", "LocalHost:7070", "[::1]:7070", "127.8.0.1:7070"] {
            assert!(is_ours(host, address), "{host} was refused");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "localhost",
            "evil.example:7070",
            "localhost.evil.example:7070",
            "127.0.0.1.evil.example:7070",
            "10.0.0.1:7070",
            "user@localhost:7070",
            "[::2]:7070",
            "::1:7070",
            "2130706433:7070",
            "",
            "null",
            "localhost:7070/",
        ] {
            assert!(!is_ours(host, address), "{host} was taken");
        }
    }

    #[test]
    fn on_port_80_the_port_may_be_left_out() {
        let address = "127.0.0.1:80".parse().unwrap();
        assert!(is_ours("localhost", address));
        assert!(is_ours("localhost:80", address));
    }
}
