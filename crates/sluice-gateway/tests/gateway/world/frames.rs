//! HTTP/2 byte by byte: what no client that keeps the rules would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// Kinds of frames (RFC 9113 section 6).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// A connection after the preface.
pub(crate) struct Frames {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Headers with a status from HPACK's table; zero when it is another.
    Answered(u16),
    /// The stream was reset.
    Reset,
    /// The connection was ended.
    Ended,
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block without a table and without Huffman: each field as it is (RFC 7541 section 6.2.2).
pub(crate) fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let text = |text: &[u8]| {
        // Longer than 126 takes more bytes for its length.
        let mut coded = Vec::new();
        match text.len() {
            length @ 0..127 => coded.push(u8::try_from(length).unwrap()),
            length => {
                coded.push(127);
                let mut rest = length - 127;
                while rest >= 128 {
                    coded.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                coded.push(u8::try_from(rest).unwrap());
            }
        }
        coded.extend(text);
        coded
    };
    fields.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

impl Frames {
    pub(crate) async fn connect(address: SocketAddr) -> Frames {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        stream.write_all(&frame(kind::SETTINGS, 0, 0, &[])).await.unwrap();
        Frames { stream, read: Vec::new() }
    }

    /// Gives whether the other side still listens.
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        super::soon("a frame", async {
            loop {
                if let [a, b, c, kind, _, s1, s2, s3, s4, rest @ ..] = &self.read[..] {
                    let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
                    if rest.len() >= length {
                        let (kind, stream) = (*kind, u32::from_be_bytes([*s1, *s2, *s3, *s4]));
                        let payload = rest[..length].to_vec();
                        self.read.drain(..9 + length);
                        return Some(Frame { kind, stream, payload });
                    }
                }
                match self.stream.read_buf(&mut self.read).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        })
        .await
    }

    /// What becomes of a request.
    pub(crate) async fn fate(&mut self, stream: u32) -> Fate {
        while let Some(frame) = self.next().await {
            match frame.kind {
                kind::HEADERS if frame.stream == stream => return Fate::Answered(status(&frame.payload)),
                kind::RST_STREAM if frame.stream == stream => return Fate::Reset,
                kind::GOAWAY => return Fate::Ended,
                _ => {}
            }
        }
        Fate::Ended
    }
}

/// The status that a header block begins with, when HPACK's static table has it.
fn status(block: &[u8]) -> u16 {
    match block.first() {
        Some(0x88) => 200,
        Some(0x89) => 204,
        Some(0x8a) => 206,
        Some(0x8b) => 304,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        Some(0x8e) => 500,
        _ => 0,
    }
}
