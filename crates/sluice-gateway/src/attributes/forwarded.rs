//! Where a request comes from, as the proxies say that are believed (RFC 7239 section 7.4 and 8.1).

use std::net::IpAddr;

use http::header::{FORWARDED, HeaderMap, HeaderName};
use sluice_core::document::service::Scheme;
use sluice_core::network::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forwarded {
    pub(crate) address: IpAddr,
    pub(crate) scheme: Scheme,
}

impl Forwarded {
    /// What a trusted peer says, and what the proxies that it names say, for as long as each is trusted too: the first
    /// address from the right that is not. An entry that is no address ends the search: whoever wrote it is nobody to
    /// believe. Where both headers are there, one of them may be the visitor's own, which a proxy that writes the other
    /// has passed on: they are believed as far as they say the same.
    pub(crate) fn by(peer: Forwarded, headers: &HeaderMap, trusted: &[Network]) -> Forwarded {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let mut address = peer.address;
        let has_both = headers.contains_key(X_FORWARDED_FOR) && headers.contains_key(FORWARDED);
        let mut others = entries(headers, FORWARDED);
        let name = if headers.contains_key(X_FORWARDED_FOR) { X_FORWARDED_FOR } else { FORWARDED };
        for entry in entries(headers, name) {
            let is_said_by_both = !has_both || others.next() == Some(entry);
            match entry {
                Some(next) if is_said_by_both && is_trusted(address) => address = next,
                _ => break,
            }
        }
        let proto = headers.get_all(X_FORWARDED_PROTO).iter().next_back();
        let proto =
            proto.map(|value| value.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default());
        let scheme = match proto.map(<[u8]>::trim_ascii) {
            Some(b"https") => Scheme::Https,
            Some(b"http") => Scheme::Http,
            _ => peer.scheme,
        };
        Forwarded { address: address.to_canonical(), scheme }
    }
}

/// The addresses that requests were forwarded for, the latest first; `None` for one that cannot be read.
fn entries(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = Option<IpAddr>> {
    let is_plain = name == X_FORWARDED_FOR;
    let lines = headers.get_all(name).into_iter().rev();
    let texts = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    texts.map(move |text| {
        let text = std::str::from_utf8(text).ok()?.trim();
        let node = if is_plain { text } else { named_node(text)? };
        address_of(node)
    })
}

/// The `for` of an element of `Forwarded`, without quotes.
fn named_node(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

/// An address with or without port, one of IPv6 with or without brackets.
fn address_of(node: &str) -> Option<IpAddr> {
    if let Some(rest) = node.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    node.parse().ok().or_else(|| node.rsplit_once(':')?.0.parse().ok())
}

/// Whether a header tells where a request comes from.
pub(crate) fn is_forwarding(name: &HeaderName) -> bool {
    *name == FORWARDED || name.as_str().starts_with("x-forwarded-") || name.as_str() == "x-real-ip"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let peer = Forwarded { address: peer.parse().unwrap(), scheme: Scheme::Http };
        Forwarded::by(peer, &map, &trusted).address.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_are() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        let xff = "x-forwarded-for";
        // Nobody in front.
        assert_eq!(address("203.0.113.9", &[(xff, "198.51.100.1")], &trusted), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &[], &trusted), "10.0.0.1");
        // One, two, and one that the visitor made up in front of them.
        assert_eq!(address("10.0.0.1", &[(xff, "198.51.100.1")], &trusted), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &[(xff, "198.51.100.1, 10.0.0.2")], &trusted), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &[(xff, "10.6.6.6, 198.51.100.1")], &trusted), "198.51.100.1");
        assert_eq!(
            address("10.0.0.1", &[(xff, "6.6.6.6"), (xff, "198.51.100.1,10.0.0.2")], &trusted),
            "198.51.100.1"
        );
        // All are trusted: the first is the visitor.
        assert_eq!(address("10.0.0.1", &[(xff, "10.0.0.3, 10.0.0.2")], &trusted), "10.0.0.3");
        // What cannot be read is not read past.
        assert_eq!(address("10.0.0.1", &[(xff, "198.51.100.1, unknown")], &trusted), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &[(xff, "198.51.100.1,")], &trusted), "10.0.0.1");
    }

    #[test]
    fn two_headers_are_believed_as_far_as_they_say_the_same() {
        let both = |xff: &str, forwarded: &str| {
            let headers = [("x-forwarded-for", xff), ("forwarded", forwarded)];
            address("10.0.0.1", &headers, &["10.0.0.0/8"])
        };
        assert_eq!(both("198.51.100.1", "for=198.51.100.1"), "198.51.100.1");
        assert_eq!(both("198.51.100.1, 10.0.0.2", "for=198.51.100.1, for=10.0.0.2"), "198.51.100.1");
        // The proxy writes the one, and passes on what the visitor made up in the other.
        assert_eq!(both("6.6.6.6", "for=198.51.100.1"), "10.0.0.1");
        assert_eq!(both("198.51.100.1", "for=6.6.6.6"), "10.0.0.1");
        assert_eq!(both("6.6.6.6, 10.0.0.2", "for=10.0.0.2"), "10.0.0.2");
    }

    #[test]
    fn addresses_are_read_in_every_form_that_proxies_write() {
        for (header, value, expected) in [
            ("x-forwarded-for", "198.51.100.1:4711", "198.51.100.1"),
            ("x-forwarded-for", "2001:db8::1", "2001:db8::1"),
            ("x-forwarded-for", "[2001:db8::1]:443", "2001:db8::1"),
            ("x-forwarded-for", "::ffff:198.51.100.1", "198.51.100.1"),
            ("forwarded", "for=198.51.100.1;proto=https", "198.51.100.1"),
            ("forwarded", "proto=https; For=\"[2001:db8::1]:1234\"", "2001:db8::1"),
            ("forwarded", "for=6.6.6.6, for=198.51.100.1", "198.51.100.1"),
            ("forwarded", "for=_hidden", "10.0.0.1"),
        ] {
            assert_eq!(
                address("10.0.0.1", &[(header, value)], &["10.0.0.0/8"]),
                expected,
                "{header}: {value}"
            );
        }
    }
}
