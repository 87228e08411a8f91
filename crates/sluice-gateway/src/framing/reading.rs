//! Any bytes read as a visitor's request, for whoever wants to see that none pass that others read otherwise.

use std::num::NonZeroUsize;

use super::{Chunked, Flaw, Length, end_of_head, read_head};
use crate::options::Limits;

/// A request that passes on to the HTTP parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestReading {
    /// How many bytes the head takes, empty line included.
    pub head_bytes: usize,
    /// What follows it.
    pub body: BodyReading,
    /// Whether the visitor asks to speak another protocol from here on.
    pub wants_upgrade: bool,
}

/// What follows a request's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyReading {
    /// So many bytes.
    Bytes(u64),
    /// Chunks, which take so many bytes up to their end; `None` when the end is still to come.
    Chunks(Option<usize>),
    /// Something that is no chunks: the connection is closed.
    Broken,
}

/// Reads a visitor's bytes as the gateway does with its default limits, when they come in pieces of `piece` bytes, and
/// gives the first request. `None` when it is refused, or its head has no end yet.
pub fn read_request(bytes: &[u8], piece: NonZeroUsize) -> Option<RequestReading> {
    let limits = Limits::default();
    let pieces = || (0..bytes.len()).step_by(piece.get()).map(|at| at..bytes.len().min(at + piece.get()));
    let head_bytes = pieces().find_map(|piece| end_of_head(&bytes[..piece.end], piece.start))?;
    if head_bytes > limits.head_bytes_max {
        return None;
    }
    let head = read_head(&bytes[..head_bytes], limits.headers_max).ok()?;
    let body = match head.length {
        Length::Bytes(count) => BodyReading::Bytes(count),
        Length::Chunked => chunks(&bytes[head_bytes..], piece).unwrap_or(BodyReading::Broken),
    };
    Some(RequestReading { head_bytes, body, wants_upgrade: head.wants_upgrade })
}

fn chunks(bytes: &[u8], piece: NonZeroUsize) -> Result<BodyReading, Flaw> {
    let mut chunked = Chunked::new();
    let mut end = 0;
    for piece in bytes.chunks(piece.get()) {
        end += chunked.read(piece)?;
        if chunked.is_over() {
            return Ok(BodyReading::Chunks(Some(end)));
        }
    }
    Ok(BodyReading::Chunks(None))
}
