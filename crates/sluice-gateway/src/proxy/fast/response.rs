//! The head of an endpoint's response, read, and written for the visitor.
//!
//! How long the body is follows RFC 9112 section 6.3, and what is written is what the long way writes.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::mem::MaybeUninit;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue, TRAILER, TRANSFER_ENCODING,
};
use http::{Response, StatusCode};

use super::super::headers;
use super::chunks::{Chunks, Malformed};

/// Headers of a response; as many as the long way reads.
const HEADERS_MAX: usize = 100;
/// How long the text of a date is used.
const DATE_TIME_MAX: std::time::Duration = std::time::Duration::from_millis(500);

/// What an endpoint answered.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) framing: Framing,
    /// Whether the connection can carry another request when the body is over.
    pub(super) is_reusable: bool,
    /// How many bytes it took.
    pub(super) length: usize,
}

/// How the end of a body is found.
pub(super) enum Framing {
    /// There is none.
    Nothing,
    Length {
        left: u64,
    },
    Chunked(Chunks),
    UntilClose,
}

/// What bytes are the beginning of.
pub(super) enum Reading {
    Unfinished,
    /// A response before the response, which takes so many of them.
    Interim(usize),
    Final(Head),
}

/// Reads a head. Headers that concern the connection are not put into `headers`.
pub(super) fn read(bytes: &[u8], is_head: bool, into: &mut HeaderMap) -> Result<Reading, Malformed> {
    let mut lines = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut lines,
    );
    let length = match parsed.map_err(|_| Malformed)? {
        httparse::Status::Partial => return Ok(Reading::Unfinished),
        httparse::Status::Complete(length) => length,
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed)?;
    match status.as_u16() {
        // Nobody asked to switch.
        101 => return Err(Malformed),
        100..=199 => return Ok(Reading::Interim(length)),
        _ => {}
    }
    into.clear();
    for line in response.headers.iter() {
        let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|_| Malformed)?;
        let value = HeaderValue::from_bytes(line.value).map_err(|_| Malformed)?;
        into.try_append(name, value).map_err(|_| Malformed)?;
    }
    let is_http_10 = response.version == Some(0);
    let is_reusable = is_kept_alive(into, is_http_10);
    let framing = framing(into, is_http_10, is_head, status)?;
    headers::strip(into);
    Ok(Reading::Final(Head { status, framing, is_reusable, length }))
}

fn is_kept_alive(headers: &HeaderMap, is_http_10: bool) -> bool {
    let has = |wanted: &[u8]| {
        let options =
            headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
        options.map(<[u8]>::trim_ascii).any(|option| option.eq_ignore_ascii_case(wanted))
    };
    if is_http_10 { has(b"keep-alive") && !has(b"close") } else { !has(b"close") }
}

fn framing(
    headers: &mut HeaderMap,
    is_http_10: bool,
    is_head: bool,
    status: StatusCode,
) -> Result<Framing, Malformed> {
    let coding = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    let is_coded = coding.is_some();
    let is_chunked = coding.is_some_and(|coding| {
        let last = coding.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default();
        last.trim_ascii().eq_ignore_ascii_case(b"chunked")
    });
    if is_coded {
        headers.remove(CONTENT_LENGTH);
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let (length, another) = (lengths.next(), lengths.next());
    if another.is_some() {
        return Err(Malformed);
    }
    if is_head || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Framing::Nothing);
    }
    match length {
        _ if is_coded && is_http_10 => Err(Malformed),
        _ if is_chunked => Ok(Framing::Chunked(Chunks::new())),
        _ if is_coded => Ok(Framing::UntilClose),
        None => Ok(Framing::UntilClose),
        Some(length) => {
            let digits = length.to_str().ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            match digits.and_then(|digits| digits.parse::<u64>().ok()) {
                None => Err(Malformed),
                Some(0) => Ok(Framing::Nothing),
                Some(left) => Ok(Framing::Length { left }),
            }
        }
    }
}

/// Writes a head for the visitor.
pub(super) fn write(
    out: &mut Vec<u8>,
    status: StatusCode,
    headers: &HeaderMap,
    framing: &Framing,
    is_head: bool,
    is_last: bool,
) {
    write_status(out, status);
    let has_none = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let is_without = matches!(framing, Framing::Nothing) && !is_head;
    let mut has_date = false;
    for (name, value) in headers {
        has_date |= *name == DATE;
        // Written below, where it says the truth.
        if *name == CONTENT_LENGTH && is_without || *name == TRAILER && (is_head || has_none) {
            continue;
        }
        write_line(out, name.as_str(), value.as_bytes());
    }
    match framing {
        Framing::Nothing if !is_head && !has_none => write_line(out, "content-length", b"0"),
        Framing::Chunked(_) | Framing::UntilClose => write_line(out, "transfer-encoding", b"chunked"),
        Framing::Nothing | Framing::Length { .. } => {}
    }
    write_end(out, has_date, is_last);
}

/// Writes an answer of the gateway's own.
pub(super) fn write_own(out: &mut Vec<u8>, answer: &Response<Bytes>, is_head: bool, is_last: bool) {
    write_status(out, answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| **name != CONNECTION) {
        write_line(out, name.as_str(), value.as_bytes());
    }
    write_line(out, "content-length", answer.body().len().to_string().as_bytes());
    write_end(out, false, is_last);
    if !is_head {
        out.extend_from_slice(answer.body());
    }
}

fn write_status(out: &mut Vec<u8>, status: StatusCode) {
    for piece in ["HTTP/1.1 ", status.as_str(), " ", status.canonical_reason().unwrap_or("<none>"), "\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
}

fn write_line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(piece);
    }
}

fn write_end(out: &mut Vec<u8>, has_date: bool, is_last: bool) {
    if is_last {
        write_line(out, "connection", b"close");
    }
    if !has_date {
        DATE_TEXT.with_borrow_mut(|date| write_line(out, "date", date.now().as_bytes()));
    }
    out.extend_from_slice(b"\r\n");
}

thread_local! {
    static DATE_TEXT: RefCell<DateText> = const { RefCell::new(DateText { text: String::new(), written: None }) };
}

/// The date as headers write it, made anew only now and then.
struct DateText {
    text: String,
    written: Option<Instant>,
}

impl DateText {
    fn now(&mut self) -> &str {
        if self.written.is_none_or(|written| written.elapsed() > DATE_TIME_MAX) {
            self.text.clear();
            let date = httpdate::HttpDate::from(SystemTime::now());
            write!(self.text, "{date}").expect("writing to a String does not fail");
            self.written = Some(Instant::now());
        }
        &self.text
    }
}
