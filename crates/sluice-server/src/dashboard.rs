//! The dashboard's files, inside the binary: built from `web/` by `make web`.
//!
//! Files under `assets/` carry a hash of their contents in their names, so that browsers may keep them for ever. The
//! page itself is asked for anew each time and answered with 304 when it is the same. An address that is no file is the
//! page too, so that the addresses of views inside it can be opened and shared.

use std::sync::Arc;

use axum::extract::{Request, State as Extract};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::{ApiError, Code};
use crate::extract::is_unchanged;
use crate::state::State;

/// The files as they were when this was compiled.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

/// The page that all views are in.
const PAGE: &str = "index.html";

/// Scripts and requests only from here; styles also inline, because charts and floating panels set positions so.
const POLICY_PAGE: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";
const CACHE_ASK_FIRST: &str = "no-cache";

/// What is shown when the dashboard is not in this binary.
const NOT_BUILT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Sluice</title>\n\
    <h1>Sluice is running</h1>\n\
    <p>The dashboard was not built into this binary. Run <code>make web</code>, then build again.</p>\n\
    <p>The API is there all the same: <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a></p>\n</html>\n";

/// Answers whatever no operation answers.
pub(crate) async fn fallback(Extract(_): Extract<Arc<State>>, request: Request) -> Response {
    answer(&request, Files::get)
}

fn answer(request: &Request, file: impl Fn(&str) -> Option<EmbeddedFile>) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        let detail = format!("nothing is served at {path}");
        return ApiError::new(Code::NotFound, detail).hint("see /api/v1/openapi.json").into_response();
    }
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        let detail = format!("{path} takes no {}", request.method());
        let allow = [(header::ALLOW, HeaderValue::from_static("GET,HEAD"))];
        return (allow, ApiError::new(Code::MethodNotAllowed, detail)).into_response();
    }
    let name = path.trim_start_matches('/');
    match file(name).filter(|_| name != PAGE) {
        Some(found) => serve(request, name, found),
        // A missing file is an error; the page in its place would only puzzle the browser.
        None if name.starts_with("assets/") => {
            ApiError::new(Code::NotFound, format!("there is no file {path}")).into_response()
        }
        None => match file(PAGE) {
            Some(page) => serve(request, PAGE, page),
            None => not_built(),
        },
    }
}

fn serve(request: &Request, name: &str, file: EmbeddedFile) -> Response {
    let etag: String = file.metadata.sha256_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{etag}\"");
    let cache = if name.starts_with("assets/") { CACHE_FOR_EVER } else { CACHE_ASK_FIRST };
    let is_known = is_unchanged(request.headers(), &etag);
    let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits in quotes make a header");
    let media_type = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_PAGE)),
        (header::CONTENT_TYPE, media_type),
    ];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data).into_response()
}

fn not_built() -> Response {
    let headers =
        [(header::CACHE_CONTROL, CACHE_ASK_FIRST), (header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (headers, NOT_BUILT).into_response()
}
