//! Requests of visitors: where they begin and end, as the gateway sees it and as another parser does.

use std::num::NonZeroUsize;

use httparse::{EMPTY_HEADER, Header, Status};
use sluice_gateway::{BodyReading, RequestReading, read_request};

/// As many as the gateway lets through.
const HEADERS_MAX: usize = 100;

/// A request is read alike in whatever pieces it comes. One that passes has no second reading: `httparse` sees the same
/// end of the head, one host, the same length of the body and the same end of its chunks, or refuses it.
pub fn hold(bytes: &[u8]) {
    let reading = read_request(bytes, NonZeroUsize::MAX);
    for piece in [1, 2, 3, 5, 64] {
        let piece = NonZeroUsize::new(piece).expect("it is not zero");
        assert_eq!(read_request(bytes, piece), reading, "in pieces of {piece} it is read otherwise");
    }
    let Some(reading) = reading else { return };
    let (head, rest) = bytes.split_at(reading.head_bytes);
    assert!(!head.contains(&0), "a zero byte passes");
    let ends = head.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count();
    assert_eq!(ends, 2 * head.windows(2).filter(|pair| pair == b"\r\n").count(), "a bare CR or LF passes");

    let mut headers = [EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Err(_) => return,
        Ok(status) => assert_eq!(status, Status::Complete(head.len()), "the head ends elsewhere"),
    }
    let is_http_10 = request.version == Some(0);
    judge_headers(request.headers, is_http_10, reading);
    if let BodyReading::Chunks(end) = reading.body
        && let Ok(theirs) = end_of_chunks(rest)
    {
        assert_eq!(end, theirs, "the chunks end elsewhere");
    }
}

fn judge_headers(headers: &[Header<'_>], is_http_10: bool, reading: RequestReading) {
    let named =
        |name: &'static str| headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
    let hosts = named("host").count();
    assert!(hosts == 1 || hosts == 0 && is_http_10, "{hosts} hosts");
    let lengths: Vec<&str> = named("content-length")
        .map(|header| std::str::from_utf8(header.value).expect("digits are text"))
        .collect();
    let codings: Vec<&[u8]> = named("transfer-encoding").map(|header| header.value).collect();
    match reading.body {
        BodyReading::Bytes(count) => {
            assert!(codings.is_empty(), "a coding is passed over");
            let theirs = lengths.first().map_or(Ok(0), |length| length.trim().parse());
            assert_eq!((lengths.len() <= 1, theirs), (true, Ok(count)), "{lengths:?}");
        }
        BodyReading::Chunks(_) | BodyReading::Broken => {
            assert!(lengths.is_empty() && !is_http_10, "there are two lengths");
            assert!(
                codings.len() == 1 && codings[0].trim_ascii().eq_ignore_ascii_case(b"chunked"),
                "{codings:?}"
            );
        }
    }
    assert!(
        !reading.wants_upgrade || reading.body == BodyReading::Bytes(0),
        "a body is lost in another protocol"
    );
}

/// Where a chunked body ends, if its end is there.
fn end_of_chunks(bytes: &[u8]) -> Result<Option<usize>, ()> {
    let mut at = 0;
    loop {
        let size = httparse::parse_chunk_size(&bytes[at..]).map_err(drop)?;
        let Status::Complete((line, size)) = size else { return Ok(None) };
        at += line;
        if size == 0 {
            let mut trailers = [EMPTY_HEADER; HEADERS_MAX];
            return match httparse::parse_headers(&bytes[at..], &mut trailers).map_err(drop)? {
                Status::Complete((length, _)) => Ok(Some(at + length)),
                Status::Partial => Ok(None),
            };
        }
        let behind = usize::try_from(size).ok().and_then(|size| at.checked_add(size)?.checked_add(2));
        match behind {
            Some(behind) if behind <= bytes.len() => at = behind,
            _ => return Ok(None),
        }
    }
}
