//! A chunked body: where it ends, and whether it is one.

use super::head::Flaw;
use crate::answer::Trouble;

/// Bytes of one chunk's size line or of all trailers. Sizes are short; extensions are used by nobody.
const LINE_BYTES_MAX: usize = 4 * 1024;

/// How far a chunked body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of the line, or of the trailers, that is being read.
    line_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the size; how many digits there were.
    Size {
        size: u64,
        digits: u8,
    },
    /// In an extension, which is skipped.
    Extension {
        size: u64,
    },
    /// Before the line feed that closes a size line.
    SizeLf {
        size: u64,
    },
    /// In the data.
    Data {
        left: u64,
    },
    /// Before the CR LF that closes a chunk.
    DataCr,
    DataLf,
    /// At the start of a trailer line; an empty one ends the body.
    TrailerStart,
    /// Within a trailer line.
    Trailer,
    TrailerLf,
    /// Before the line feed that ends the body.
    EndLf,
    End,
}

impl Chunked {
    pub(crate) fn new() -> Chunked {
        Chunked { state: State::Size { size: 0, digits: 0 }, line_bytes: 0 }
    }

    /// Whether the body is over.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::End
    }

    /// Reads on; gives how many of `bytes` belong to the body.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<usize, Flaw> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::End {
            if let State::Data { left } = self.state {
                let rest = bytes.len() - at;
                let taken = usize::try_from(left).map_or(rest, |left| left.min(rest));
                at += taken;
                let left = left - taken as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
            } else {
                self.state = self.step(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<State, Flaw> {
        let flaw = Flaw(Trouble::BadRequest("The chunked body is malformed."));
        self.line_bytes += 1;
        if self.line_bytes > LINE_BYTES_MAX {
            return Err(flaw);
        }
        let next = match (self.state, byte) {
            (State::Size { size, digits }, _) if byte.is_ascii_hexdigit() && digits < 16 => {
                let digit = char::from(byte).to_digit(16).ok_or(flaw)?;
                State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Size { size, digits: 1.. }, b'\r') => State::SizeLf { size },
            (State::Size { size, digits: 1.. }, b';') => State::Extension { size },
            (State::Extension { size }, b'\r') => State::SizeLf { size },
            (State::Extension { .. }, b'\t' | b' '..=0x7e) => self.state,
            (State::SizeLf { size: 0 }, b'\n') => State::TrailerStart,
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { size: 0, digits: 0 },
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart, b'!'..=0x7e) => State::Trailer,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::Trailer, b'\t' | b' '..=0x7e | 0x80..) => State::Trailer,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::End,
            _ => return Err(flaw),
        };
        if matches!(next, State::Data { .. } | State::End) {
            self.line_bytes = 0;
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_whole(body: &[u8]) -> Result<Option<usize>, Flaw> {
        let mut chunked = Chunked::new();
        let read = chunked.read(body)?;
        Ok(chunked.is_over().then_some(read))
    }

    #[test]
    fn ends_where_the_body_ends() {
        for body in
            ["0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "A;x=\"y\"\r\n0123456789\r\n0;z\r\nT: u\r\nV: w\r\n\r\n"]
        {
            let more = format!("{body}GET / HTTP/1.1\r\n");
            assert_eq!(read_whole(more.as_bytes()), Ok(Some(body.len())), "{body:?}");
        }
        assert_eq!(read_whole(b"5\r\nhello\r\n"), Ok(None));
    }

    #[test]
    fn what_another_server_could_read_otherwise_is_refused() {
        for body in [
            "\r\n",
            ";\r\n",
            "x\r\n",
            "0x5\r\nhello\r\n",
            "5 \r\nhello\r\n",
            "+5\r\nhello\r\n",
            "5\nhello\r\n",
            "5\rhello\r\n",
            "5;a\nb\r\nhello\r\n",
            "5;a\rb\r\nhello\r\n",
            "5;a\0\r\nhello\r\n",
            "5\r\nhelloX\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "0\r\n\n",
            "0\r\nA: b\n\r\n",
            "0\r\n A: b\r\n\r\n",
            "11111111111111111\r\n",
        ] {
            assert!(read_whole(body.as_bytes()).is_err(), "{body:?} was taken");
        }
        let endless = format!("5;{}", "x".repeat(LINE_BYTES_MAX));
        assert!(read_whole(endless.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn pieces_read_as_the_whole_does(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            cuts in prop::collection::vec(1_usize..9, 1..9),
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            let (mut chunked, mut rest, mut cuts) = (Chunked::new(), &body[..], cuts.into_iter().cycle());
            while !rest.is_empty() {
                let cut = cuts.next().unwrap().min(rest.len());
                prop_assert!(!chunked.is_over());
                prop_assert_eq!(chunked.read(&rest[..cut]), Ok(cut));
                rest = &rest[cut..];
            }
            prop_assert!(chunked.is_over());
        }
    }
}
