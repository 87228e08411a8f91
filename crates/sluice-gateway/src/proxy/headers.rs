//! Headers that concern one connection only, and headers that say where a request came from.

use std::fmt::Write;
use std::net::IpAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, FORWARDED, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, Version};
use sluice_core::document::service::Scheme;
use sluice_core::network::Network;

use crate::attributes::{Forwarded, is_forwarding};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers of this prefix are the gateway's own word: never a visitor's to endpoints, never an endpoint's to visitors.
const OWN_PREFIX: &str = "x-sluice-";

/// Where a connection comes from, as headers write it.
#[derive(Debug)]
pub(crate) struct Origin {
    address: HeaderValue,
    /// As the `for` of a Forwarded header.
    node: String,
    peer: Forwarded,
    trust: Trust,
}

/// Whether what a peer says of whom it forwards is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Nobody said: it is passed on, and used for nothing.
    Unsaid,
    Trusted,
    /// Others are trusted: it is taken off.
    Untrusted,
}

impl Origin {
    pub(crate) fn of(address: IpAddr, is_tls: bool, trusted: &[Network]) -> Origin {
        let address = address.to_canonical();
        let trust = match trusted {
            [] => Trust::Unsaid,
            trusted if trusted.iter().any(|network| network.contains(address)) => Trust::Trusted,
            _ => Trust::Untrusted,
        };
        let peer = Forwarded { address, scheme: if is_tls { Scheme::Https } else { Scheme::Http } };
        let node = match address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("\"[{v6}]\""),
        };
        let address = HeaderValue::try_from(address.to_string()).expect("addresses are plain ASCII");
        Origin { address, node, peer, trust }
    }

    /// Where a request comes from.
    pub(crate) fn forwarded(&self, headers: &HeaderMap, trusted: &[Network]) -> Forwarded {
        match self.trust {
            Trust::Trusted => Forwarded::by(self.peer, headers, trusted),
            Trust::Unsaid | Trust::Untrusted => self.peer,
        }
    }

    pub(crate) fn address(&self) -> &str {
        self.address.to_str().unwrap_or_default()
    }

    pub(crate) fn scheme(&self) -> &'static str {
        self.peer.scheme.as_str()
    }
}

/// Takes off what concerns one connection only (RFC 9110 section 7.6.1), what `Connection` names, and what only the
/// gateway may say. `TE: trailers` and the protocol to switch to are put on again where they are meant.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let mut doomed: Vec<HeaderName> = Vec::new();
    for options in headers.get_all(CONNECTION) {
        let names = options.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        // Who could name these could change who is asked for what.
        let named = names.filter_map(|name| HeaderName::from_bytes(name).ok());
        doomed.extend(named.filter(|name| *name != HOST && *name != CONTENT_LENGTH));
    }
    doomed.extend(headers.keys().filter(|name| is_hop_by_hop(name)).cloned());
    for name in doomed {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(*name, CONNECTION | PROXY_AUTHENTICATE | PROXY_AUTHORIZATION | TE | TRANSFER_ENCODING | UPGRADE)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
        || name.as_str().starts_with(OWN_PREFIX)
}

/// Whether the visitor takes trailers.
pub(crate) fn takes_trailers(headers: &HeaderMap) -> bool {
    let mut options =
        headers.get_all(TE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

/// Says to the endpoint that trailers are welcome.
pub(crate) fn welcome_trailers(headers: &mut HeaderMap) {
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONNECTION, HeaderValue::from_static("te"));
}

/// The protocol that a visitor asks to switch to, if it is one that can be tunnelled. HTTP/2 over plain text cannot:
/// the gateway would not see the requests in it, and so could not route them.
pub(crate) fn upgrade_to(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(UPGRADE).iter();
    let (Some(protocol), None) = (values.next(), values.next()) else { return None };
    let mut names = protocol.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let is_http =
        |name: &[u8]| name.len() >= 3 && name[..3].eq_ignore_ascii_case(b"h2c") || name.starts_with(b"HTTP");
    (!names.any(is_http)).then(|| protocol.clone())
}

/// Asks for, or grants, a switch of protocols.
pub(crate) fn switch(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Says where a request came from. `X-Forwarded-For`, `Forwarded` and `Via` are lists that this hop is added to;
/// `X-Forwarded-Proto` and `X-Forwarded-Host` describe the first hop, so what is there stays.
pub(crate) fn add_origin(headers: &mut HeaderMap, origin: &Origin, version: Version) {
    if origin.trust == Trust::Untrusted {
        let doomed: Vec<HeaderName> = headers.keys().filter(|name| is_forwarding(name)).cloned().collect();
        for name in doomed {
            headers.remove(name);
        }
    }
    let host = headers.get(HOST).cloned();
    let scheme = origin.peer.scheme.as_str();
    append(headers, X_FORWARDED_FOR, &origin.address);
    headers.entry(X_FORWARDED_PROTO).or_insert(HeaderValue::from_static(scheme));
    let mut forwarded = format!("for={}", origin.node);
    if let Some(host) = host {
        if let Ok(text) = host.to_str() {
            // The host was checked: it holds no quote.
            write!(forwarded, ";host=\"{text}\"").expect("writing to a String does not fail");
        }
        headers.entry(X_FORWARDED_HOST).or_insert(host);
    }
    forwarded.push_str(";proto=");
    forwarded.push_str(scheme);
    if let Ok(forwarded) = HeaderValue::try_from(forwarded) {
        append(headers, FORWARDED, &forwarded);
    }
    let via = match version {
        Version::HTTP_10 => "1.0 sluice",
        Version::HTTP_2 => "2.0 sluice",
        _ => "1.1 sluice",
    };
    append(headers, VIA, &HeaderValue::from_static(via));
}

/// Adds to the end of a list, on one line: programs often read only the first.
fn append(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, value.clone());
        return;
    }
    let mut list = Vec::new();
    for part in headers.get_all(&name).iter().chain([value]) {
        if !list.is_empty() {
            list.extend_from_slice(b", ");
        }
        list.extend_from_slice(part.as_bytes());
    }
    if let Ok(list) = HeaderValue::try_from(list) {
        headers.insert(name, list);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let line =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().unwrap());
        lines.iter().map(line).collect()
    }

    #[test]
    fn what_concerns_one_connection_is_taken_off_and_nothing_else() {
        let mut map = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Private"),
            ("connection", "te, host, content-length"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("proxy-authorization", "x"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("x-sluice-preview", "x"),
            ("X-Sluice-Anything", "x"),
            ("host", "h"),
            ("content-length", "5"),
            ("trailer", "t"),
            ("x-private-too", "1"),
        ] {
            map.append(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        strip(&mut map);
        let mut left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "host", "trailer", "x-private-too"]);
    }

    #[test]
    fn lists_grow_by_this_hop_and_the_first_hop_stays() {
        let mut map = headers(&[
            ("host", "shop:8080"),
            ("x-forwarded-for", "10.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=10.0.0.1"),
            ("via", "2 edge"),
        ]);
        map.append(X_FORWARDED_FOR, HeaderValue::from_static("10.0.0.2"));
        add_origin(&mut map, &Origin::of("::ffff:192.0.2.7".parse().unwrap(), false, &[]), Version::HTTP_11);
        let value = |name: &str| map[name].to_str().unwrap();
        assert_eq!(value("x-forwarded-for"), "10.0.0.1, 10.0.0.2, 192.0.2.7");
        assert_eq!(value("x-forwarded-proto"), "https");
        assert_eq!(value("x-forwarded-host"), "shop:8080");
        assert_eq!(value("forwarded"), "for=10.0.0.1, for=192.0.2.7;host=\"shop:8080\";proto=http");
        assert_eq!(value("via"), "2 edge, 1.1 sluice");
        assert_eq!(map.get_all("x-forwarded-for").iter().count(), 1);
    }

    #[test]
    fn an_ipv6_node_is_quoted_as_rfc_7239_wants() {
        let mut map = headers(&[]);
        add_origin(&mut map, &Origin::of("2001:db8::1".parse().unwrap(), true, &[]), Version::HTTP_10);
        assert_eq!(map["forwarded"], "for=\"[2001:db8::1]\";proto=https");
        assert_eq!(map["x-forwarded-for"], "2001:db8::1");
        assert_eq!(map["via"], "1.0 sluice");
    }

    #[test]
    fn http2_is_not_tunnelled() {
        assert!(upgrade_to(&headers(&[("upgrade", "websocket")])).is_some());
        for protocol in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0"] {
            assert!(upgrade_to(&headers(&[("upgrade", protocol)])).is_none(), "{protocol}");
        }
        assert!(upgrade_to(&headers(&[])).is_none());
    }
}
