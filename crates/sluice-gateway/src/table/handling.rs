//! What is done with the requests of a route, compiled.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use sluice_core::document::service::{
    ChangedField, HeaderChanges, HeaderText, PathPrefix, Redirect, RetrySpec, RouteSpec, RouteTimeouts,
    Scheme,
};

/// What is done with the requests of a route.
#[derive(Debug)]
pub(crate) struct Handling {
    /// The route's own path, which others take the place of.
    prefix: PathPrefix,
    pub(crate) redirect: Option<Redirect>,
    path: Option<PathPrefix>,
    /// The `Host` that the service sees.
    pub(crate) host: Option<HeaderValue>,
    pub(crate) request: Changes,
    pub(crate) response: Changes,
    pub(crate) timeouts: RouteTimeouts,
    pub(crate) retries: Option<RetrySpec>,
}

/// Changes to headers, ready to be made.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
}

impl Handling {
    /// `None` when nothing special is done.
    pub(super) fn of(spec: &RouteSpec) -> Option<Handling> {
        let is_plain = spec.redirect.is_none()
            && spec.rewrite.is_nothing()
            && spec.request_headers.is_nothing()
            && spec.response_headers.is_nothing()
            && spec.timeouts.is_nothing()
            && spec.retries.is_none();
        if is_plain {
            return None;
        }
        let host = spec.rewrite.host.as_ref();
        Some(Handling {
            prefix: spec.path.clone(),
            redirect: spec.redirect.clone(),
            path: spec.rewrite.path.clone(),
            host: host.and_then(|host| HeaderValue::from_str(host.as_str()).ok()),
            request: Changes::of(&spec.request_headers),
            response: Changes::of(&spec.response_headers),
            timeouts: spec.timeouts.clone(),
            retries: spec.retries.clone(),
        })
    }

    /// What the service is asked for.
    pub(crate) fn rewrite(&self, uri: Uri) -> Uri {
        let Some(path) = &self.path else { return uri };
        let target = with_query(self.prefix.replaced(uri.path(), path), uri.query());
        // The parts were parts of targets before, so that together they are one.
        target.parse::<PathAndQuery>().map_or(uri, Uri::from)
    }

    /// Where a visitor is sent who asked for `uri` at `authority` (a host, perhaps with a port).
    pub(crate) fn location(
        &self,
        redirect: &Redirect,
        scheme: Scheme,
        authority: &str,
        uri: &Uri,
    ) -> Option<HeaderValue> {
        let (asked_host, asked_port) = host_and_port(authority);
        let stays = redirect.host.is_none() && redirect.scheme.is_none_or(|wanted| wanted == scheme);
        let port = match redirect.port {
            Some(port) => format!(":{port}"),
            None if stays => asked_port.map(|port| format!(":{port}")).unwrap_or_default(),
            None => String::new(),
        };
        let host = redirect.host.as_ref().map_or(asked_host, |host| host.as_str());
        let path = match &redirect.path {
            Some(path) => self.prefix.replaced(uri.path(), path),
            None => uri.path().to_owned(),
        };
        let target = with_query(path, uri.query());
        HeaderValue::try_from(format!("{}://{host}{port}{target}", redirect.scheme.unwrap_or(scheme))).ok()
    }
}

fn with_query(path: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// The host, with brackets if it has them, and the port.
fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port).filter(|port| !port.is_empty())),
        _ => (authority, None),
    }
}

impl Changes {
    fn of(changes: &HeaderChanges) -> Changes {
        let name = |field: &ChangedField| HeaderName::from_bytes(field.as_str().as_bytes()).ok();
        let pair = |(field, text): (&ChangedField, &HeaderText)| {
            Some((name(field)?, HeaderValue::from_str(text.as_str()).ok()?))
        };
        Changes {
            remove: changes.remove.iter().filter_map(name).collect(),
            set: changes.set.iter().filter_map(pair).collect(),
            add: changes.add.iter().filter_map(pair).collect(),
        }
    }

    pub(crate) fn make(&self, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(path: &str, redirect: Redirect, authority: &str, target: &str) -> String {
        let spec = RouteSpec { redirect: Some(redirect.clone()), ..RouteSpec::default() };
        let handling = Handling::of(&RouteSpec { path: path.parse().unwrap(), ..spec }).unwrap();
        let location = handling.location(&redirect, Scheme::Http, authority, &target.parse().unwrap());
        location.unwrap().to_str().unwrap().to_owned()
    }

    fn nowhere() -> Redirect {
        Redirect { scheme: None, host: None, port: None, path: None, status: Default::default() }
    }

    #[test]
    fn what_a_redirect_does_not_name_stays_as_it_was_asked() {
        let https = || Redirect { scheme: Some(Scheme::Https), ..nowhere() };
        assert_eq!(location("/", https(), "a.b:8080", "/x?y=1"), "https://a.b/x?y=1");
        assert_eq!(location("/", https(), "[::1]:80", "/"), "https://[::1]/");
        let port = Redirect { port: Some(8443), ..https() };
        assert_eq!(location("/", port, "[::1]", "/"), "https://[::1]:8443/");
        let moved = Redirect { path: Some("/new".parse().unwrap()), ..nowhere() };
        assert_eq!(location("/old", moved.clone(), "a:81", "/old/1?q"), "http://a:81/new/1?q");
        assert_eq!(location("/", moved, "a", "/"), "http://a/new");
        let host = Redirect { host: Some("b.c".parse().unwrap()), ..nowhere() };
        assert_eq!(location("/", host, "a:81", "//evil.example/x"), "http://b.c//evil.example/x");
    }

    #[test]
    fn a_rewrite_keeps_what_follows_the_path_and_the_query() {
        let rewritten = |prefix: &str, with: &str, target: &str| {
            let rewrite =
                sluice_core::document::service::Rewrite { path: Some(with.parse().unwrap()), host: None };
            let spec = RouteSpec { path: prefix.parse().unwrap(), rewrite, ..RouteSpec::default() };
            Handling::of(&spec).unwrap().rewrite(target.parse().unwrap()).to_string()
        };
        assert_eq!(rewritten("/a", "/", "/a"), "/");
        assert_eq!(rewritten("/a", "/", "/a/b?c=d"), "/b?c=d");
        assert_eq!(rewritten("/a", "/v2/x", "/a/"), "/v2/x/");
        assert_eq!(rewritten("/", "/v2", "/b%2Fc"), "/v2/b%2Fc");
    }
}
