//! The dashboard's files, inside the binary: built from `web/` by `make web`.
//!
//! Files under `assets/` carry a hash of their contents in their names, so that browsers may keep them for ever. The
//! page itself is asked for anew each time and answered with 304 when it is the same. An address that is no file is the
//! page too, so that the addresses of views inside it can be opened and shared.

use std::borrow::Cow;
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

/// One file.
struct File {
    data: Cow<'static, [u8]>,
    /// Of its contents.
    sha256: [u8; 32],
    media_type: String,
}

impl From<EmbeddedFile> for File {
    fn from(file: EmbeddedFile) -> File {
        let media_type = file.metadata.mimetype().to_owned();
        File { sha256: file.metadata.sha256_hash(), media_type, data: file.data }
    }
}

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
    answer(&request, |name| Files::get(name).map(File::from))
}

fn answer(request: &Request, file: impl Fn(&str) -> Option<File>) -> Response {
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

fn serve(request: &Request, name: &str, file: File) -> Response {
    let etag: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{etag}\"");
    let cache = if name.starts_with("assets/") { CACHE_FOR_EVER } else { CACHE_ASK_FIRST };
    let is_known = is_unchanged(request.headers(), &etag);
    let etag = HeaderValue::from_str(&etag).expect("hexadecimal digits in quotes make a header");
    let media_type = HeaderValue::from_str(&file.media_type)
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Response;

    use super::*;

    /// A dashboard of two files.
    fn built(name: &str) -> Option<File> {
        let (text, media_type) = match name {
            "index.html" => ("<title>Sluice</title>", "text/html"),
            "assets/app-1a2b.js" => ("start()", "text/javascript"),
            _ => return None,
        };
        let data = Cow::Borrowed(text.as_bytes());
        Some(File { data, sha256: [7; 32], media_type: media_type.to_owned() })
    }

    fn get(path: &str, files: fn(&str) -> Option<File>, known: Option<&str>) -> Response<Body> {
        let mut request = Request::builder().uri(path);
        if let Some(known) = known {
            request = request.header(header::IF_NONE_MATCH, known);
        }
        answer(&request.body(Body::empty()).unwrap(), files)
    }

    fn header_of(response: &Response<Body>, name: header::HeaderName) -> &str {
        response.headers()[name].to_str().unwrap()
    }

    #[test]
    fn hashed_files_are_kept_for_ever_and_the_page_is_asked_for_anew() {
        let script = get("/assets/app-1a2b.js", built, None);
        assert_eq!(header_of(&script, header::CACHE_CONTROL), CACHE_FOR_EVER);
        assert_eq!(header_of(&script, header::CONTENT_TYPE), "text/javascript");
        let page = get("/", built, None);
        assert_eq!(header_of(&page, header::CACHE_CONTROL), CACHE_ASK_FIRST);
        let etag = header_of(&page, header::ETAG).to_owned();
        assert_eq!(get("/", built, Some(&etag)).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/", built, Some("\"0\"")).status(), StatusCode::OK);
    }

    #[test]
    fn an_address_inside_the_dashboard_is_the_page_and_a_missing_file_is_not() {
        let view = get("/services/checkout", built, None);
        assert_eq!(header_of(&view, header::CONTENT_TYPE), "text/html");
        assert_eq!(header_of(&view, header::CONTENT_SECURITY_POLICY), POLICY_PAGE);
        assert_eq!(get("/assets/app-old.js", built, None).status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/api/v1/nothing", built, None).status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn without_a_dashboard_the_page_says_so_and_how_to_get_one() {
        let page = get("/services/checkout", |_| None, None);
        assert_eq!(page.status(), StatusCode::OK);
        let body = axum::body::to_bytes(page.into_body(), 10_000).await.unwrap();
        assert!(std::str::from_utf8(&body).unwrap().contains("make web"));
    }
}
