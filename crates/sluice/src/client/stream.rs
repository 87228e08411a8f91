//! Live messages: server-sent events, read line by line.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value;
use sluice_engine::Resource;
use sluice_engine::port::store::EventRecord;

/// Something that the server says while we listen.
#[derive(Debug)]
pub(crate) enum Message {
    /// Something was added to the log.
    Log(Box<EventRecord>),
    /// A release changed visibly.
    Release(Box<Resource>),
    /// Anything else: greetings, and what a newer server may say.
    Other,
}

/// Live messages, one after another, until the connection ends.
pub(crate) struct Stream {
    lines: BufReader<Box<dyn Read + Send>>,
}

/// One event as it is on the wire.
#[derive(Default)]
struct Raw {
    event: String,
    data: String,
}

impl Stream {
    /// Reads messages from a body.
    pub(crate) fn new(body: ureq::Body) -> Stream {
        Stream::over(body.into_with_config().limit(u64::MAX).reader())
    }

    fn over(reader: impl Read + Send + 'static) -> Stream {
        Stream { lines: BufReader::new(Box::new(reader)) }
    }

    /// The next event: everything up to an empty line. `None` at the end of the connection.
    fn next_raw(&mut self) -> Option<Raw> {
        let mut raw = Raw::default();
        loop {
            let mut line = String::new();
            // A connection that breaks is one that ends: whoever listens connects again.
            if self.lines.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                if raw.data.is_empty() && raw.event.is_empty() {
                    continue;
                }
                return Some(raw);
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => raw.event = value.to_owned(),
                "data" => {
                    if !raw.data.is_empty() {
                        raw.data.push('\n');
                    }
                    raw.data.push_str(value);
                }
                _ => {}
            }
        }
    }
}

impl Iterator for Stream {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let raw = self.next_raw()?;
        let data: Value = serde_json::from_str(&raw.data).unwrap_or(Value::Null);
        // What cannot be read is from a newer server; the next message may be readable again.
        Some(match raw.event.as_str() {
            "log" => {
                serde_json::from_value(data).map_or(Message::Other, |record| Message::Log(Box::new(record)))
            }
            "release" => serde_json::from_value(data)
                .map_or(Message::Other, |release| Message::Release(Box::new(release))),
            _ => Message::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_past_comments_and_strange_ones_and_end_with_the_connection() {
        let resource =
            r#"{"apiVersion":"sluice.dev/v1alpha1","kind":"Release","metadata":{"name":"r"},"spec":{}}"#;
        let text = format!(
            ": keep-alive\n\nevent: hello\ndata: {{}}\n\nevent: release\r\ndata: {resource}\r\n\r\ndata: cut"
        );
        let messages: Vec<Message> = Stream::over(std::io::Cursor::new(text)).collect();
        assert!(
            matches!(&messages[..], [Message::Other, Message::Release(r)] if r.metadata.name.as_str() == "r")
        );
    }
}
