//! One line of the access log: a JSON object, written straight into the buffer.

use std::io::Write;
use std::time::Duration;

use hmac::Mac;
use http::Version as HttpVersion;
use sluice_core::Weight;

use super::record::{End, Record};
use super::{AccessLog, Kept};
use crate::answer::Trouble;
use crate::framing::split_host;
use crate::proxy::{Origin, now};

/// How much of a path, query or header is written. What is longer is an attack or a mistake.
const TEXT_BYTES_MAX: usize = 2048;
/// How much of a unit's hash is written: enough to tell apart a billion visitors.
const UNIT_BYTES: usize = 8;

/// A line that is being written.
pub(super) struct Line<'a> {
    log: &'a AccessLog,
    bytes: &'a mut Vec<u8>,
    is_begun: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(log: &'a AccessLog, bytes: &'a mut Vec<u8>) -> Line<'a> {
        Line { log, bytes, is_begun: false }
    }

    /// Of a request that is over.
    pub(super) fn request(mut self, record: &Record, unit: Option<&str>, kept: Kept) {
        let took = record.started.elapsed();
        let begun = now().as_millis().saturating_sub(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        self.display("time", sluice_core::Timestamp::from_millis(begun));
        self.text("method", record.method.as_str());
        self.text("scheme", record.from.scheme.as_str());
        let host = record.host.as_ref().map(|host| String::from_utf8_lossy(host.as_bytes()));
        if let Some(host) = &host {
            let host = split_host(host).map_or(&**host, |(host, _)| host);
            self.text("host", &host.to_ascii_lowercase());
        }
        self.text("path", record.uri.path());
        if let Some(query) = record.uri.query() {
            let query = self.log.redaction.query(query);
            self.text("query", &query);
        }
        self.text("protocol", protocol(record.http_version));
        self.text("client", &record.from.address.to_string());
        if let Some(status) = record.status {
            self.number("status", u64::from(status));
        }
        if let Some(trouble) = record.trouble {
            self.text("error", trouble.code());
        }
        match record.end {
            End::Answered => {}
            End::Reset => self.text("broken", "endpoint"),
            End::Cancelled => self.text("broken", "visitor"),
        }
        if let Some(after) = record.head_after {
            self.millis("headMs", after);
        }
        self.millis("totalMs", took);
        self.number("bytesIn", record.trail.bytes_in.get());
        self.number("bytesOut", record.bytes_out);
        self.place(record, unit);
        if let Some(trace) = record.trace {
            self.display("trace", format_args!("{:032x}", trace.id));
        }
        self.headers(record);
        self.end(kept);
    }

    /// Of bytes that never became a request.
    pub(super) fn refusal(mut self, origin: &Origin, trouble: Trouble, kept: Kept) {
        self.display("time", now());
        self.text("scheme", origin.scheme());
        self.text("client", origin.address());
        self.number("status", u64::from(trouble.status().as_u16()));
        self.text("error", trouble.code());
        self.end(kept);
    }

    fn place(&mut self, record: &Record, unit: Option<&str>) {
        if let Some(placed) = &record.placed {
            self.text("environment", placed.routing.key.environment.as_str());
            self.text("service", placed.routing.key.name.as_str());
            self.text("version", placed.version.name.as_str());
            self.text("why", placed.why);
            if let Some(segment) = &placed.segment {
                self.text("segment", segment.as_str());
            }
            if let Some(split) = &placed.routing.split {
                self.text("release", split.release.as_str());
            }
        }
        if let Some(unit) = unit {
            if self.log.shows_units {
                self.text("unit", unit);
            } else {
                let hash = self.log.key.mac_of(&["sluice-unit-1", unit]).finalize().into_bytes();
                let hash =
                    hash[..UNIT_BYTES].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
                self.display("unit", format_args!("{hash:016x}"));
            }
        }
        if let Some(endpoint) = &*record.trail.endpoint.borrow() {
            self.display("endpoint", &endpoint.spec);
            self.number("sends", u64::from(record.trail.sends.get()));
        }
    }

    fn headers(&mut self, record: &Record) {
        let there =
            || self.log.headers.iter().zip(&record.headers).filter_map(|(n, v)| Some((n, v.as_ref()?)));
        if there().next().is_none() {
            return;
        }
        self.name("headers");
        for (number, (name, value)) in there().enumerate() {
            self.bytes.push(if number == 0 { b'{' } else { b',' });
            quoted(self.bytes, name.as_str());
            self.bytes.push(b':');
            let value = String::from_utf8_lossy(value.as_bytes());
            quoted(self.bytes, &self.log.redaction.header(name.as_str(), &value));
        }
        self.bytes.push(b'}');
    }

    /// With less than all of the lines, readers must know which ones stand for others.
    fn end(mut self, kept: Kept) {
        if self.log.sample < Weight::FULL {
            let kept = match kept {
                Kept::Sample => "sample",
                Kept::Failure => "failure",
                Kept::Slow => "slow",
            };
            self.text("kept", kept);
        }
        self.bytes.extend_from_slice(b"}\n");
    }

    fn name(&mut self, name: &str) {
        self.bytes.push(if std::mem::replace(&mut self.is_begun, true) { b',' } else { b'{' });
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        quoted(self.bytes, value);
    }

    /// Of what holds neither quotes nor control characters.
    fn display(&mut self, name: &str, value: impl std::fmt::Display) {
        self.name(name);
        write!(self.bytes, "\"{value}\"").expect("writing to a vector does not fail");
    }

    fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        write!(self.bytes, "{value}").expect("writing to a vector does not fail");
    }

    /// To the microsecond.
    fn millis(&mut self, name: &str, value: Duration) {
        self.name(name);
        let micros = value.as_micros();
        write!(self.bytes, "{}.{:03}", micros / 1000, micros % 1000)
            .expect("writing to a vector does not fail");
    }
}

fn protocol(version: HttpVersion) -> &'static str {
    match version {
        HttpVersion::HTTP_10 => "HTTP/1.0",
        HttpVersion::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

/// A string of JSON (RFC 8259 section 7), cut when it is very long.
fn quoted(bytes: &mut Vec<u8>, text: &str) {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    let (text, rest) = text.split_at(end);
    bytes.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => bytes.extend_from_slice(&[b'\\', byte]),
            b'\n' => bytes.extend_from_slice(b"\\n"),
            b'\t' => bytes.extend_from_slice(b"\\t"),
            0..0x20 | 0x7f => {
                write!(bytes, "\\u{byte:04x}").expect("writing to a vector does not fail");
            }
            _ => bytes.push(byte),
        }
    }
    if !rest.is_empty() {
        bytes.extend_from_slice("…".as_bytes());
    }
    bytes.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_text_it_is_one_string_on_one_line(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let mut bytes = Vec::new();
            quoted(&mut bytes, &text);
            prop_assert!(!bytes.contains(&b'\n'));
            prop_assert_eq!(serde_json::from_slice::<String>(&bytes).unwrap(), text);
        }
    }

    #[test]
    fn very_long_text_is_cut_between_two_letters() {
        let mut bytes = Vec::new();
        quoted(&mut bytes, &"é".repeat(2000));
        let text: String = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(text, format!("{}…", "é".repeat(1024)));
    }
}
