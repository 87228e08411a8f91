//! `POST /v1/metrics`: OTLP over HTTP, in protobuf and in JSON.

use std::io::Read as _;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{HeaderName, StatusCode};
use prost::Message as _;
use serde::Serialize;

use super::message::{ExportRequest, ExportResponse, PartialSuccess, Status};
use crate::inbox::{Inbox, Receipt};

/// What one request may hold, packed or not: as much as gRPC takes by default. SDKs send a few hundred kilobytes.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;

/// The codes of `google.rpc.Code` that are answered.
const INVALID_ARGUMENT: i32 = 3;
const OUT_OF_RANGE: i32 = 11;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Protobuf,
    Json,
}

/// Why a request as a whole is not taken.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("the content type must be application/x-protobuf or application/json")]
    ContentType,
    #[error("the content encoding must be gzip, or none")]
    Encoding,
    #[error("the body is larger than {} MiB; send less at a time", BODY_BYTES_MAX >> 20)]
    TooLarge,
    #[error("the body did not come whole")]
    Broken,
    #[error("the body is not gzip: {0}")]
    Gzip(std::io::Error),
    #[error("the body is no ExportMetricsServiceRequest in protobuf: {0}")]
    Protobuf(prost::DecodeError),
    #[error("the body is no ExportMetricsServiceRequest in JSON: {0}")]
    Json(serde_json::Error),
}

pub(crate) async fn take(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Body) -> Response {
    let format = match text(&headers, &CONTENT_TYPE).split(';').next().unwrap_or_default().trim() {
        "application/x-protobuf" => Some(Format::Protobuf),
        "application/json" => Some(Format::Json),
        _ => None,
    };
    match read(format, &headers, body).await {
        Ok(request) => answer(format, StatusCode::OK, &response_to(inbox.take(&request))),
        Err(why) => {
            let (status, code) = match why {
                Unreadable::ContentType | Unreadable::Encoding => {
                    (StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_ARGUMENT)
                }
                Unreadable::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, OUT_OF_RANGE),
                _ => (StatusCode::BAD_REQUEST, INVALID_ARGUMENT),
            };
            answer(format, status, &Status { code, message: why.to_string() })
        }
    }
}

async fn read(format: Option<Format>, headers: &HeaderMap, body: Body) -> Result<ExportRequest, Unreadable> {
    let format = format.ok_or(Unreadable::ContentType)?;
    let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
        let is_length =
            |source: &(dyn std::error::Error + 'static)| source.is::<http_body_util::LengthLimitError>();
        match std::error::Error::source(&error) {
            Some(source) if is_length(source) => Unreadable::TooLarge,
            _ => Unreadable::Broken,
        }
    })?;
    let encoding = text(headers, &CONTENT_ENCODING);
    match encoding.trim() {
        "" | "identity" => parse(format, &body),
        "gzip" => parse(format, &unpack(&body)?),
        _ => Err(Unreadable::Encoding),
    }
}

fn unpack(body: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let mut unpacked = Vec::new();
    let limit = BODY_BYTES_MAX as u64 + 1;
    flate2::read::MultiGzDecoder::new(body)
        .take(limit)
        .read_to_end(&mut unpacked)
        .map_err(Unreadable::Gzip)?;
    if unpacked.len() > BODY_BYTES_MAX { Err(Unreadable::TooLarge) } else { Ok(unpacked) }
}

fn parse(format: Format, body: &[u8]) -> Result<ExportRequest, Unreadable> {
    match format {
        Format::Protobuf => ExportRequest::decode(body).map_err(Unreadable::Protobuf),
        Format::Json => serde_json::from_slice(body).map_err(Unreadable::Json),
    }
}

/// What the protocol wants to be answered: nothing where all is well.
pub(crate) fn response_to(receipt: Receipt) -> ExportResponse {
    let rejected_data_points = i64::try_from(receipt.rejected).unwrap_or(i64::MAX);
    let has_remarks = receipt != Receipt::default();
    let partial_success =
        has_remarks.then_some(PartialSuccess { rejected_data_points, error_message: receipt.message });
    ExportResponse { partial_success }
}

/// In the format of the request, or JSON where that is not known.
fn answer(
    format: Option<Format>,
    status: StatusCode,
    message: &(impl prost::Message + Serialize),
) -> Response {
    let (content_type, body) = match format {
        Some(Format::Protobuf) => ("application/x-protobuf", message.encode_to_vec()),
        Some(Format::Json) | None => {
            ("application/json", serde_json::to_vec(message).expect("texts and numbers can be written"))
        }
    };
    (status, [(CONTENT_TYPE, content_type)], body).into_response()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
