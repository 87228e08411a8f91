//! A request, as decisions look at it.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{COOKIE, HOST};
use http::request::Parts;
use sluice_core::Name;
use sluice_core::document::service::Scheme;
use sluice_core::routing::{NoTable, Request};

use crate::answer::Trouble;
use crate::attributes::{Attributes, Claims, Tokens, Verified};
use crate::framing::split_host;

/// A request's head with its host made comparable.
pub(crate) struct Visitor<'a> {
    method: &'a str,
    host: Cow<'a, str>,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    known: Option<Known<'a>>,
}

/// What is known of a visitor besides their request; looked up only when a rule asks.
struct Known<'a> {
    scheme: Scheme,
    address: Option<IpAddr>,
    attributes: &'a Attributes,
    verified: &'a Verified,
    claims: OnceCell<Option<Rc<Claims>>>,
}

impl<'a> Visitor<'a> {
    /// # Errors
    ///
    /// When the request says in two places which host it is for, and they differ.
    pub(crate) fn of(parts: &'a Parts) -> Result<Visitor<'a>, Trouble> {
        let from_header = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let authority = match parts.uri.authority() {
            // RFC 9112 section 3.2.2 prefers the target; who names two hosts wants one server to see the one, and
            // the next the other.
            Some(target) if !target.as_str().eq_ignore_ascii_case(from_header) => {
                return Err(Trouble::BadRequest("The request names two hosts."));
            }
            _ => from_header,
        };
        let host = split_host(authority).map_or("", |(host, _)| host);
        let host = host.strip_suffix('.').unwrap_or(host);
        let host = match host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Cow::Owned(host.to_ascii_lowercase()),
            false => Cow::Borrowed(host),
        };
        let (path, query) = (parts.uri.path(), parts.uri.query());
        Ok(Visitor { method: parts.method.as_str(), host, path, query, headers: &parts.headers, known: None })
    }

    /// The same visitor, of whom it is known where they come from, and what can be looked up.
    pub(crate) fn known(
        self,
        attributes: &'a Attributes,
        verified: &'a Verified,
        scheme: Scheme,
        address: Option<IpAddr>,
    ) -> Visitor<'a> {
        let known = Known { scheme, address, attributes, verified, claims: OnceCell::new() };
        Visitor { known: Some(known), ..self }
    }

    /// The token that they bring, believed or not.
    fn token(&self, tokens: &Tokens) -> Option<&str> {
        match tokens.cookie() {
            Some(cookie) => self.cookie(cookie),
            None => {
                let (scheme, token) = self.header("authorization")?.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
            }
        }
    }
}

impl Request for Visitor<'_> {
    fn method(&self) -> &str {
        self.method
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn path(&self) -> &str {
        self.path
    }

    fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers.get(name)?.as_bytes()).ok()
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers.get_all(COOKIE).iter();
        let mut pairs = lines
            .filter_map(|line| std::str::from_utf8(line.as_bytes()).ok())
            .flat_map(|line| line.split(';'));
        pairs.find_map(|pair| {
            let (key, value) = pair.trim().split_once('=')?;
            (key == name).then(|| value.trim_matches('"'))
        })
    }

    fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query?.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key)? == name).then(|| decode(value))?
        })
    }

    fn scheme(&self) -> Scheme {
        self.known.as_ref().map_or(Scheme::Http, |known| known.scheme)
    }

    fn address(&self) -> Option<IpAddr> {
        self.known.as_ref()?.address
    }

    fn country(&self) -> Result<Option<Cow<'_, str>>, NoTable> {
        let known = self.known.as_ref().filter(|known| known.attributes.countries.is_known());
        let known = known.ok_or(NoTable)?;
        Ok(known.address.and_then(|address| known.attributes.countries.of(address)).map(Cow::Owned))
    }

    fn claim(&self, path: &str) -> Option<Cow<'_, str>> {
        let known = self.known.as_ref()?;
        let tokens = known.attributes.tokens.as_ref()?;
        let claims = known.claims.get_or_init(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            tokens.claims(self.token(tokens)?, known.verified, i64::try_from(now).unwrap_or(i64::MAX))
        });
        claims.as_ref()?.get(path).map(Cow::Owned)
    }

    fn is_listed(&self, list: &Name, id: &str) -> Option<bool> {
        self.known.as_ref()?.attributes.lists.contains(list, id)
    }
}

/// A part of a query as HTML forms write it: `+` is a space, `%41` a byte. `None` when it is no text.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['+', '%']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        let escaped = (*byte == b'%').then(|| escaped(tail)).flatten();
        rest = if escaped.is_some() { &tail[2..] } else { tail };
        bytes.push(match (escaped, byte) {
            (Some(escaped), _) => escaped,
            (None, b'+') => b' ',
            (None, plain) => *plain,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn escaped(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (high, low) = (digit(*digits.first()?)?, digit(*digits.get(1)?)?);
    u8::try_from(high << 4 | low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn hosts_are_compared_without_case_port_and_final_dot() {
        for host in ["shop.example.com", "SHOP.example.com:8080", "Shop.Example.Com.", "shop.example.com:"] {
            let parts = parts("/", &[("host", host)]);
            assert_eq!(Visitor::of(&parts).unwrap().host(), "shop.example.com", "{host}");
        }
        let v6 = parts("/", &[("host", "[::1]:80")]);
        assert_eq!(Visitor::of(&v6).unwrap().host(), "::1");
        let absolute = parts("http://shop.example.com:80/x?y", &[("host", "shop.example.com:80")]);
        assert_eq!(Visitor::of(&absolute).unwrap().path(), "/x");
        let two_hosts = parts("http://a/x", &[("host", "b")]);
        assert!(Visitor::of(&two_hosts).is_err());
    }

    #[test]
    fn cookies_are_found_in_every_line() {
        let parts = parts("/", &[("cookie", "a=1; bb=2"), ("cookie", "c=\"x=y\";d")]);
        let visitor = Visitor::of(&parts).unwrap();
        let found = ["a", "b", "bb", "c", "d"].map(|name| visitor.cookie(name));
        assert_eq!(found, [Some("1"), None, Some("2"), Some("x=y"), None]);
    }

    #[test]
    fn query_parameters_are_decoded() {
        let parts = parts("/?a=b+c%20d&e&%66=%C3%A9&g=%ff&h=100%&a=z", &[("host", "h")]);
        let visitor = Visitor::of(&parts).unwrap();
        let found = ["a", "e", "f", "g", "h", "i"].map(|name| visitor.query(name));
        let expected = [Some("b c d"), Some(""), Some("é"), None, Some("100%"), None];
        assert_eq!(found.map(|value| value.map(Cow::into_owned)), expected.map(|v| v.map(str::to_owned)));
    }
}
