//! Which version a request would get: read, verified and routed as the request itself would be, and never sent.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request as HttpRequest, Uri, header};
use sluice_core::document::service::{RouteSpec, Scheme};
use sluice_core::routing::Request as _;
use sluice_core::routing::explain::{
    AskedRequest, Explanation, FoundRoute, InvalidQuestion, OwnAnswer, Question, Verified, nearest_routes,
};

use crate::PreviewKey;
use crate::answer::Trouble;
use crate::attributes::{Attributes, Verified as Verifier};
use crate::carried::Carrying;
use crate::proxy::{Visitor, now, preview_of, sent_to};
use crate::table::Table;

/// How an address is written.
const ADDRESS_HINT: &str = "write it as https://shop.example.com/checkout?x=1";

/// What `table` makes of a request.
///
/// # Errors
///
/// When the question holds no request: an address without host, a method or header that HTTP cannot carry.
pub(crate) fn explain(
    table: &Table,
    key: &PreviewKey,
    attributes: &Attributes,
    question: &Question,
) -> Result<Explanation, InvalidQuestion> {
    let parts = parts_of(question)?;
    let visitor = Visitor::of(&parts).map_err(|trouble| {
        invalid(trouble.detail(), "leave the header `host` out, or give the same host in the address")
    })?;
    let verified = Verifier::default();
    let scheme = if question.url.starts_with("https:") { Scheme::Https } else { Scheme::Http };
    let visitor = visitor.known(attributes, &verified, scheme, None);
    let asked = || AskedRequest {
        method: visitor.method().to_owned(),
        host: visitor.host().to_owned(),
        path: visitor.path().to_owned(),
    };
    let Some((service, found)) = table.route(&visitor, scheme) else {
        let near = nearest_routes(visitor.host(), visitor.path(), table.claimed());
        return Ok(Explanation::without_route(table.generation, asked(), own(Trouble::NoRoute), near));
    };
    let routing = &*service.routing;
    let carrying = Carrying::of(&parts.headers, key, now);
    let shared = routing.split.as_ref().filter(|split| split.is_shared);
    let any = RouteSpec::default();
    let route = FoundRoute::new(routing.routes.get(found.number).unwrap_or(&any), &routing.key);
    if let Some((status, location)) = found.handling.as_ref().and_then(|h| sent_to(h, scheme, &parts)) {
        let location = String::from_utf8_lossy(location.as_bytes());
        let detail = format!("The visitor is sent to {location}");
        let answer = OwnAnswer { status: status.code(), code: "redirect".to_owned(), detail };
        return Ok(Explanation::refused(table.generation, asked(), answer, route));
    }
    let preview = match preview_of(key, service, &visitor) {
        Ok(preview) => preview,
        Err(trouble) => return Ok(Explanation::refused(table.generation, asked(), own(trouble), route)),
    };
    let verified = Verified {
        preview: preview.as_ref(),
        carried: shared.and_then(|split| carrying.under(&split.release)),
    };
    let endpoints = |name: &_| {
        let ready = service.version(name).map(|version| version.ready()).unwrap_or_default();
        (ready.ready, ready.total)
    };
    Ok(Explanation::of(table.generation, route, routing, &visitor, verified, endpoints))
}

fn own(trouble: Trouble) -> OwnAnswer {
    OwnAnswer {
        status: trouble.status().as_u16(),
        code: trouble.code().to_owned(),
        detail: trouble.detail().to_owned(),
    }
}

/// The request's head, as it would come.
fn parts_of(question: &Question) -> Result<Parts, InvalidQuestion> {
    let Question { method, url, headers } = question;
    let method: Method = method
        .parse()
        .map_err(|_| invalid(format!("`{method}` is no method of HTTP"), "write it as GET or POST"))?;
    // What follows `#` stays in the browser.
    let sent = url.split('#').next().unwrap_or_default();
    let uri: Uri =
        sent.parse().map_err(|error| invalid(format!("`{url}` is no address: {error}"), ADDRESS_HINT))?;
    let no_host = || invalid(format!("`{url}` names no host"), ADDRESS_HINT);
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().filter(|_| is_http).ok_or_else(no_host)?;
    if authority.as_str().contains('@') {
        return Err(invalid(
            format!("`{url}` holds a user"),
            "leave it out; give the header `authorization` if one is needed",
        ));
    }
    let path = uri.path_and_query().map_or("/", |target| target.as_str());
    let mut request = HttpRequest::builder().method(method).uri(path);
    let host = headers.iter().find(|line| line.name.eq_ignore_ascii_case("host"));
    if host.is_none() {
        request = request.header(header::HOST, authority.as_str());
    }
    for line in headers {
        let name = HeaderName::try_from(&line.name).map_err(|_| {
            invalid(format!("`{}` is no name of a header", line.name), "write headers as `x-user-id: 7`")
        })?;
        let value = HeaderValue::try_from(&line.value).map_err(|_| {
            invalid(
                format!("the value of header `{}` holds what a header cannot", line.name),
                "leave control characters and line ends out",
            )
        })?;
        request = request.header(name, value);
    }
    let request = request.body(()).map_err(|error| invalid(format!("`{url}`: {error}"), ADDRESS_HINT))?;
    Ok(request.into_parts().0)
}

fn invalid(detail: impl Into<String>, hint: &str) -> InvalidQuestion {
    InvalidQuestion { detail: detail.into(), hint: hint.to_owned() }
}
