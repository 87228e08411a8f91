//! The head of a request: request line and headers.

use crate::answer::Trouble;

/// What is wrong with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw(pub(crate) Trouble);

/// What a head says about the bytes that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How long the body is.
    pub(crate) length: Length,
    /// Whether the visitor asks to speak another protocol from here on.
    pub(crate) wants_upgrade: bool,
}

/// How long a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Bytes(u64),
    Chunked,
}

fn bad<T>(why: &'static str) -> Result<T, Flaw> {
    Err(Flaw(Trouble::BadRequest(why)))
}

/// Where a head ends: the number of bytes up to and with its empty line. Looks for bare line feeds too, so that a
/// head that is closed by them is found and refused rather than waited for.
pub(crate) fn end_of_head(bytes: &[u8], already_seen: usize) -> Option<usize> {
    // An end may begin up to three bytes before what is new.
    let mut from = already_seen.saturating_sub(3);
    while let Some(offset) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let next = from + offset + 1;
        match bytes[next..] {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
    }
    None
}

/// Reads a whole head, empty line included.
pub(crate) fn read_head(head: &[u8], headers_max: usize) -> Result<Head, Flaw> {
    let mut lines = Lines(head);
    let is_http_10 = read_request_line(lines.next()?)?;
    let mut seen = Seen::default();
    let mut headers = 0;
    loop {
        let line = lines.next()?;
        if line.is_empty() {
            break;
        }
        headers += 1;
        if headers > headers_max {
            return Err(Flaw(Trouble::HeadTooLarge("The request has too many headers.")));
        }
        seen.read_header(line)?;
    }
    seen.judge(is_http_10)
}

/// Lines that end with CR LF, without it.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a [u8], Flaw> {
        let end = self.0.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let Some(end) = end else { return bad("The request's head has no end.") };
        if self.0[end..].starts_with(b"\r\n") {
            let line = &self.0[..end];
            self.0 = &self.0[end + 2..];
            return Ok(line);
        }
        bad("Every line of a request ends with CR LF.")
    }
}

/// Gives whether it is HTTP/1.0.
fn read_request_line(line: &[u8]) -> Result<bool, Flaw> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return bad("The request line is a method, a target and a version, with one space between.");
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return bad("The method is malformed.");
    }
    // It asks for a forward proxy, and changes how everything after it is read.
    if method.eq_ignore_ascii_case(b"CONNECT") {
        return bad("CONNECT is not spoken here.");
    }
    let is_target = |byte: u8| byte > b' ' && byte != 0x7f;
    if target.is_empty() || !target.iter().copied().all(is_target) {
        return bad("The request target is malformed.");
    }
    match version {
        b"HTTP/1.1" => Ok(false),
        b"HTTP/1.0" => Ok(true),
        _ => Err(Flaw(Trouble::HttpVersion)),
    }
}

/// What the headers said so far.
#[derive(Default)]
struct Seen {
    hosts: usize,
    length: Option<u64>,
    is_chunked: bool,
    has_upgrade: bool,
    connection_upgrade: bool,
}

impl Seen {
    fn read_header(&mut self, line: &[u8]) -> Result<(), Flaw> {
        if matches!(line[0], b' ' | b'\t') {
            return bad("A header may not go on over several lines.");
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return bad("A header has no colon.");
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return bad("The name of a header is malformed.");
        }
        if !value.iter().copied().all(is_value) {
            return bad("The value of a header holds a control character.");
        }
        self.read_framing(name, value.trim_ascii())
    }

    fn read_framing(&mut self, name: &[u8], value: &[u8]) -> Result<(), Flaw> {
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts += 1;
            let host = std::str::from_utf8(value).ok().and_then(split_host);
            if host.is_none() && !value.is_empty() {
                return bad("The Host header is malformed.");
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            if self.length.is_some() {
                return bad("The request has more than one Content-Length.");
            }
            let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let length = is_number.then(|| std::str::from_utf8(value).ok()?.parse().ok()).flatten();
            let Some(length) = length else { return bad("The Content-Length is not a number.") };
            self.length = Some(length);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return bad("The only Transfer-Encoding spoken here is `chunked`, once.");
            }
            self.is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.has_upgrade = true;
        } else if name.eq_ignore_ascii_case(b"connection") {
            let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            self.connection_upgrade |= options.any(|option| option.eq_ignore_ascii_case(b"upgrade"));
        }
        Ok(())
    }

    fn judge(self, is_http_10: bool) -> Result<Head, Flaw> {
        match self.hosts {
            0 if is_http_10 => {}
            0 => return bad("The request has no Host header."),
            1 => {}
            _ => return bad("The request has more than one Host header."),
        }
        let length = match (self.length, self.is_chunked) {
            (Some(_), true) => {
                return bad("The request has both a Content-Length and a Transfer-Encoding.");
            }
            (_, true) if is_http_10 => return bad("HTTP/1.0 has no Transfer-Encoding."),
            (_, true) => Length::Chunked,
            (length, false) => Length::Bytes(length.unwrap_or(0)),
        };
        let wants_upgrade = self.has_upgrade && self.connection_upgrade && !is_http_10;
        Ok(Head { length, wants_upgrade: wants_upgrade && length == Length::Bytes(0) })
    }
}

/// A host and its port, as the Host header has them; the host without the brackets of IPv6. `None` when malformed.
pub(crate) fn split_host(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    if host.is_empty() || !host.bytes().all(plain) {
        return None;
    }
    match port {
        // RFC 3986 allows a colon without a port.
        None | Some("") => Some((host, None)),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok()?)))
        }
        Some(_) => None,
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9110 section 5.5: visible characters, bytes above ASCII, spaces and tabs.
fn is_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(head: &str) -> Result<Head, &'static str> {
        read_head(head.as_bytes(), 10).map_err(|Flaw(trouble)| trouble.code())
    }

    #[test]
    fn one_reading_passes() {
        let plain = verdict("GET /a?b HTTP/1.1\r\nHost: h:80\r\n\r\n").unwrap();
        assert_eq!(plain, Head { length: Length::Bytes(0), wants_upgrade: false });
        let upload = verdict("POST / HTTP/1.1\r\nhost:h\r\nContent-Length:  5 \r\n\r\n").unwrap();
        assert_eq!(upload.length, Length::Bytes(5));
        let chunked = verdict("POST / HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: Chunked\r\n\r\n").unwrap();
        assert_eq!(chunked.length, Length::Chunked);
        let upgrade =
            verdict("GET / HTTP/1.1\r\nhost: h\r\nupgrade: websocket\r\nconnection: a, Upgrade\r\n\r\n");
        assert!(upgrade.unwrap().wants_upgrade);
        assert!(verdict("GET / HTTP/1.0\r\n\r\n").is_ok());
    }

    #[test]
    fn two_readings_are_refused() {
        for headers in [
            "",
            "Host: a\r\nHost: a\r\n",
            "Host: a, b\r\n",
            "Host: a/b\r\n",
            "Host: user@a\r\n",
            "Host: a:80:81\r\n",
            "Host: a:99999\r\n",
            "Host : a\r\n",
            "Host: a\r\n folded\r\n",
            " Host: a\r\n",
            "Host: a\nX: y\r\n",
            "Host: a\rX: y\r\n",
            "Host: a\r\nX: a\0b\r\n",
            "Host: a\r\nX\r\n",
            "Host: a\r\n: x\r\n",
            "Host: a\r\nX(: x\r\n",
            "Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
            "Host: a\r\nContent-Length: 5, 5\r\n",
            "Host: a\r\nContent-Length: +5\r\n",
            "Host: a\r\nContent-Length: 0x5\r\n",
            "Host: a\r\nContent-Length:\r\n",
            "Host: a\r\nContent-Length: 99999999999999999999\r\n",
            "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
            "Host: a\r\nTransfer-Encoding: xchunked\r\n",
            "Host: a\r\nTransfer-Encoding: chunked\x0b\r\n",
        ] {
            assert_eq!(
                verdict(&format!("POST / HTTP/1.1\r\n{headers}\r\n")),
                Err("bad-request"),
                "{headers:?}"
            );
        }
        let te_in_10 = verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(te_in_10, Err("bad-request"));
    }

    #[test]
    fn request_lines_are_read_to_the_letter() {
        for line in [
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET /",
            "G(T / HTTP/1.1",
            "CONNECT a:80 HTTP/1.1",
            "GET /\t HTTP/1.1",
            "GET /\x7f HTTP/1.1",
        ] {
            assert_eq!(verdict(&format!("{line}\r\nHost: a\r\n\r\n")), Err("bad-request"), "{line:?}");
        }
        for version in ["HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/0.9"] {
            assert_eq!(verdict(&format!("GET / {version}\r\nHost: a\r\n\r\n")), Err("http-version"));
        }
        let many = "X: y\r\n".repeat(10);
        assert_eq!(verdict(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n")), Err("head-too-large"));
    }

    #[test]
    fn the_end_is_found_wherever_the_pieces_break() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nmore";
        let end = head.len() - 4;
        for seen in 0..end {
            assert_eq!(end_of_head(&head[..end - 1], seen.min(end - 1)), None);
            assert_eq!(end_of_head(head, seen), Some(end), "seen {seen}");
        }
        assert_eq!(end_of_head(b"GET / HTTP/1.1\nHost: a\n\nmore", 0), Some(24));
        assert_eq!(end_of_head(b"a\n\r\nb", 0), Some(4));
    }
}
