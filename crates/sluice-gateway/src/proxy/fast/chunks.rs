//! An endpoint's chunked body, taken out of its chunks and put into new ones.
//!
//! What passes to the visitor is written here, to the letter, so that nothing that an endpoint writes carelessly can be
//! read in two ways behind the gateway. Trailers are left out: no visitor of the short way asked for any.

/// Bytes of a chunk's size line, or of all trailers.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// How far a chunked body has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks {
    state: State,
    line_bytes: usize,
}

/// The body is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size {
        size: u64,
        digits: u8,
    },
    /// Behind the size: spaces, or an extension.
    SizeRest {
        size: u64,
    },
    SizeLf {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

impl Chunks {
    pub(super) fn new() -> Chunks {
        Chunks { state: State::Size { size: 0, digits: 0 }, line_bytes: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == State::End
    }

    /// Reads on, and writes what of the body is in `bytes` as one chunk; gives how many of them belong to it.
    pub(super) fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::End {
            if let State::Data { left } = self.state {
                let rest = bytes.len() - at;
                let taken = usize::try_from(left).map_or(rest, |left| left.min(rest));
                write_chunk(&bytes[at..at + taken], out);
                at += taken;
                let left = left - taken as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
            } else {
                self.state = self.step(bytes[at])?;
                at += 1;
            }
        }
        if self.is_over() {
            out.extend_from_slice(b"0\r\n\r\n");
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<State, Malformed> {
        self.line_bytes += 1;
        if self.line_bytes > LINE_BYTES_MAX {
            return Err(Malformed);
        }
        let next = match (self.state, byte) {
            (State::Size { size, digits }, _) if byte.is_ascii_hexdigit() && digits < 16 => {
                let digit = char::from(byte).to_digit(16).ok_or(Malformed)?;
                State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Size { size, digits: 1.. } | State::SizeRest { size }, b'\r') => State::SizeLf { size },
            (State::Size { size, digits: 1.. }, b';' | b' ' | b'\t') => State::SizeRest { size },
            (State::SizeRest { .. }, byte) if byte != b'\n' => self.state,
            (State::SizeLf { size: 0 }, b'\n') => State::TrailerStart,
            (State::SizeLf { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { size: 0, digits: 0 },
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart | State::Trailer, byte) if byte != b'\n' && byte != b'\r' => State::Trailer,
            (State::Trailer, b'\r') => State::TrailerLf,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::End,
            _ => return Err(Malformed),
        };
        if matches!(next, State::Data { .. } | State::End) {
            self.line_bytes = 0;
        }
        Ok(next)
    }
}

/// Writes a chunk; nothing for no bytes, which would end the body.
pub(super) fn write_chunk(data: &[u8], out: &mut Vec<u8>) {
    if !data.is_empty() {
        out.extend_from_slice(format!("{:X}\r\n", data.len()).as_bytes());
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pass(body: &[u8], piece: usize) -> Result<(Vec<u8>, usize, bool), Malformed> {
        let (mut chunks, mut out, mut taken) = (Chunks::new(), Vec::new(), 0);
        for piece in body.chunks(piece) {
            taken += chunks.pass(piece, &mut out)?;
        }
        Ok((out, taken, chunks.is_over()))
    }

    #[test]
    fn chunks_come_out_in_one_form() {
        for body in [
            "5\r\nhello\r\n0\r\n\r\n",
            "5 ;x=\"y\"\r\nhello\r\n0\r\nT: u\r\n\r\n",
            "05\r\nhello\r\n000\r\n\r\n",
        ] {
            let more = format!("{body}HTTP/1.1");
            let passed = pass(more.as_bytes(), usize::MAX);
            assert_eq!(passed, Ok((b"5\r\nhello\r\n0\r\n\r\n".to_vec(), body.len(), true)), "{body:?}");
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for body in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "5\nhello",
            "5\r\nhelloo",
            "0\r\n\n",
            "11111111111111111\r\n",
            "5;\nx",
        ] {
            assert!(pass(body.as_bytes(), usize::MAX).is_err(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_pass_as_the_whole_does(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6),
            piece in 1_usize..9,
        ) {
            let mut body = Vec::new();
            chunks.iter().for_each(|chunk| write_chunk(chunk, &mut body));
            body.extend_from_slice(b"0\r\n\r\n");
            let (out, taken, is_over) = pass(&body, piece).unwrap();
            prop_assert!(is_over && taken == body.len());
            // Cut otherwise, it says the same: taken once more, in one piece for each chunk, nothing changes.
            let mut data = Vec::new();
            let mut rest = &out[..];
            while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
                let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
                data.extend_from_slice(&rest[end + 2..end + 2 + size]);
                rest = &rest[end + 2 + size + 2..];
            }
            prop_assert_eq!(data, chunks.concat());
        }
    }
}
