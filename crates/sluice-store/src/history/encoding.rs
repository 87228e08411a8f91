//! Samples of one series as bytes.
//!
//! A row holds one chunk for each time that something was added to it, one after the other:
//!
//! ```text
//! chunk  = version (1 byte) · length of the body · body · checksum of the body (4 bytes)
//! body   = entry …
//! entry  = mark (1 byte) · [offset in ms] · [span in ms] · what was measured
//! counts = which fields follow (bits) · fields … · histogram
//! values = number of buckets · (distance from the bucket before × 2 + (count ≠ 1) · [count]) …
//! ```
//!
//! Numbers are LEB128. An entry that lasts a second and begins on one, which is nearly every one, has its second in one
//! byte and no span. A histogram holds the buckets that hold something, so that a second with 20 requests takes some
//! 30 bytes, and one without requests is not there at all.

use sluice_core::Counts;
use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};
use sluice_engine::port::history::Measured;

use super::bytes::{Reader, Unreadable, checksum, put};

/// The first byte of every chunk: how the rest is written.
const VERSION: u8 = 1;
/// On the mark: the offset is in whole seconds and the span is a second.
const IS_SECOND: u8 = 0x80;
/// The last field of counts, before the histogram: `requests`, where it is not the sum of its parts.
const FIELDS: usize = 10;
/// Above the bits of the fields: whether there is a histogram.
const HAS_LATENCY: u64 = 1 << FIELDS;

/// What was measured in one stretch of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// From the beginning of the row.
    pub(super) offset_ms: u64,
    pub(super) span_ms: u64,
    pub(super) measured: Measured,
}

/// What is left of a row.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) entries: Vec<Entry>,
    /// Why the rest does not read, if it does not.
    pub(super) damage: Option<Unreadable>,
}

/// A chunk with these entries.
pub(super) fn encode<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        let at = body.len();
        body.push(0);
        let is_second = entry.span_ms == 1000 && entry.offset_ms.is_multiple_of(1000);
        if is_second {
            put(&mut body, entry.offset_ms / 1000);
        } else {
            put(&mut body, entry.offset_ms);
            put(&mut body, entry.span_ms);
        }
        let mark = match &entry.measured {
            Measured::Counts(counts) => {
                put_counts(&mut body, counts);
                0
            }
            Measured::Amount(amount) => put_amount(&mut body, amount),
        };
        body[at] = mark | if is_second { IS_SECOND } else { 0 };
    }
    let mut chunk = vec![VERSION];
    put(&mut chunk, body.len() as u64);
    chunk.extend_from_slice(&body);
    chunk.extend_from_slice(&checksum(&body).to_le_bytes());
    chunk
}

/// Everything that can be read of a row. A chunk that is damaged is left out; where even its length is not known, so is
/// what comes after it.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded { entries: Vec::new(), damage: None };
    let mut reader = Reader(bytes);
    while !reader.is_empty() {
        let body = match body(&mut reader) {
            Ok(body) => body,
            Err(damage) => {
                decoded.damage = Some(damage);
                break;
            }
        };
        match body.and_then(entries) {
            Ok(entries) => decoded.entries.extend(entries),
            Err(damage) => decoded.damage = Some(damage),
        }
    }
    decoded
}

/// Reads any bytes as a row of the history, and writes all that could be read of it anew, as one chunk: empty when there
/// is nothing. What is written anew is written the same from then on. For whoever wants to see that no bytes do harm.
pub fn read_measured(bytes: &[u8]) -> Vec<u8> {
    let entries = decode(bytes).entries;
    if entries.is_empty() { Vec::new() } else { encode(&entries) }
}

/// The next chunk's body. The outer error is for good; the inner one concerns this chunk alone.
fn body<'a>(reader: &mut Reader<'a>) -> Result<Result<&'a [u8], Unreadable>, Unreadable> {
    match reader.byte()? {
        VERSION => {}
        unknown => return Err(Unreadable::Mark(unknown)),
    }
    let length = usize::try_from(reader.number()?).map_err(|_| Unreadable::Large)?;
    let body = reader.take(length)?;
    let is_whole = u32::from_le_bytes(reader.array()?) == checksum(body);
    Ok(if is_whole { Ok(body) } else { Err(Unreadable::Checksum) })
}

fn entries(body: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    let mut reader = Reader(body);
    let mut entries = Vec::new();
    while !reader.is_empty() {
        let mark = reader.byte()?;
        let (offset_ms, span_ms) = match mark & IS_SECOND {
            0 => (reader.number()?, reader.number()?),
            _ => (reader.number()?.saturating_mul(1000), 1000),
        };
        let measured = match mark & !IS_SECOND {
            0 => Measured::Counts(Box::new(counts(&mut reader)?)),
            mark => Measured::Amount(amount(&mut reader, mark)?),
        };
        entries.push(Entry { offset_ms, span_ms, measured });
    }
    Ok(entries)
}

/// Those that are most often not zero first, so that their bits fit in one byte.
fn fields(counts: &Counts) -> [u64; FIELDS] {
    let [informational, success, redirect, client_error, server_error] = counts.responses;
    let parts = counts.responses.iter().chain([&counts.resets, &counts.cancelled]);
    let sum = parts.fold(0_u64, |sum, part| sum.saturating_add(*part));
    // One more, because zero stands for the usual case.
    let requests = if counts.requests == sum { 0 } else { counts.requests.saturating_add(1) };
    [
        success,
        redirect,
        client_error,
        server_error,
        counts.new_visitors,
        counts.failed_visitors,
        counts.cancelled,
        counts.resets,
        informational,
        requests,
    ]
}

fn put_counts(bytes: &mut Vec<u8>, counts: &Counts) {
    let fields = fields(counts);
    let mut which = if counts.latency.is_empty() { 0 } else { HAS_LATENCY };
    for (bit, field) in fields.iter().enumerate() {
        which |= u64::from(*field != 0) << bit;
    }
    put(bytes, which);
    fields.iter().filter(|field| **field != 0).for_each(|field| put(bytes, *field));
    if !counts.latency.is_empty() {
        put_histogram(bytes, &counts.latency);
    }
}

fn counts(reader: &mut Reader<'_>) -> Result<Counts, Unreadable> {
    let which = reader.number()?;
    let mut fields = [0; FIELDS];
    for (bit, field) in fields.iter_mut().enumerate() {
        if which & 1 << bit != 0 {
            *field = reader.number()?;
        }
    }
    let latency = match which & HAS_LATENCY {
        0 => Histogram::default(),
        _ => histogram(reader)?,
    };
    let [success, redirect, client_error, server_error, new_visitors, failed_visitors, ..] = fields;
    let [.., cancelled, resets, informational, requests] = fields;
    let responses = [informational, success, redirect, client_error, server_error];
    let sum = || {
        let parts = responses.iter().chain([&resets, &cancelled]);
        parts.fold(0_u64, |sum, part| sum.saturating_add(*part))
    };
    let requests = requests.checked_sub(1).unwrap_or_else(sum);
    Ok(Counts { requests, responses, resets, cancelled, failed_visitors, new_visitors, latency })
}

fn put_histogram(bytes: &mut Vec<u8>, histogram: &Histogram) {
    put(bytes, histogram.iter().count() as u64);
    let mut before = 0;
    for (bucket, count) in histogram.iter() {
        put(bytes, u64::from(bucket - before) << 1 | u64::from(count != 1));
        if count != 1 {
            put(bytes, count);
        }
        before = bucket;
    }
}

fn histogram(reader: &mut Reader<'_>) -> Result<Histogram, Unreadable> {
    let mut histogram = Histogram::default();
    let mut bucket = 0_u64;
    for _ in 0..reader.number()? {
        let step = reader.number()?;
        bucket = bucket.saturating_add(step >> 1);
        if bucket >= Histogram::BUCKETS as u64 {
            return Err(Unreadable::Large);
        }
        let count = if step & 1 == 0 { 1 } else { reader.number()? };
        histogram.add(bucket as u16, count);
    }
    Ok(histogram)
}

/// Gives the mark.
fn put_amount(bytes: &mut Vec<u8>, amount: &Amount) -> u8 {
    match amount {
        Amount::Nothing => 1,
        Amount::Trials(Trials { n, k }) => {
            put(bytes, *n);
            put(bytes, *k);
            2
        }
        Amount::Events { events, seconds } => {
            put(bytes, *events);
            bytes.extend_from_slice(&seconds.to_le_bytes());
            3
        }
        Amount::Values(values) => {
            put_histogram(bytes, values);
            4
        }
        Amount::Gauge(value) => {
            bytes.extend_from_slice(&value.to_le_bytes());
            5
        }
    }
}

fn amount(reader: &mut Reader<'_>, mark: u8) -> Result<Amount, Unreadable> {
    Ok(match mark {
        1 => Amount::Nothing,
        2 => Amount::Trials(Trials { n: reader.number()?, k: reader.number()? }),
        3 => Amount::Events { events: reader.number()?, seconds: f64::from_le_bytes(reader.array()?) },
        4 => Amount::Values(histogram(reader)?),
        5 => Amount::Gauge(f64::from_le_bytes(reader.array()?)),
        unknown => return Err(Unreadable::Mark(unknown)),
    })
}

#[cfg(test)]
mod tests;
