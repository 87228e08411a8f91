//! The chain of hashes that ties the event log together, so that a changed, removed or added event is found.
//!
//! The hash of an event is SHA-256, in lower-case hexadecimal, over: the 64 hexadecimal digits of the hash of the
//! event before (of the first event ever: [`GENESIS`]), one line feed, and the event as canonical JSON without
//! `previousHash` and `hash`. Canonical JSON is UTF-8 without white space; the keys of every object are sorted by
//! their bytes; text escapes only `"`, `\` and control characters; whole numbers are plain decimals; other numbers
//! are the shortest digits that read back as the same 64-bit float, with `.0` or an exponent. Anybody who holds an
//! exported log can check it with these four sentences.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sluice_core::Timestamp;

use super::{Chain, EventRecord, NewEvent};

/// Stands for the hash before the first event.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A place in the log: an event, or what stands before the first one that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The place; zero before the first event ever.
    pub seq: u64,
    /// The hash there.
    pub hash: String,
}

impl Default for Link {
    fn default() -> Self {
        Link { seq: 0, hash: GENESIS.to_owned() }
    }
}

impl Link {
    /// The event that follows this place.
    pub fn append(&self, event: NewEvent, at: Timestamp) -> EventRecord {
        let NewEvent { kind, subject, actor, text, data } = event;
        let mut record = EventRecord {
            seq: self.seq + 1,
            at,
            kind,
            subject,
            actor,
            text,
            data,
            previous_hash: self.hash.clone(),
            hash: String::new(),
        };
        record.hash = hash(&record);
        record
    }

    /// The place of an event.
    pub fn of(record: &EventRecord) -> Link {
        Link { seq: record.seq, hash: record.hash.clone() }
    }
}

/// What the hash of an event must be, given its other fields.
pub fn hash(record: &EventRecord) -> String {
    let mut value = serde_json::to_value(record).expect("an event is text, numbers and JSON");
    if let Value::Object(fields) = &mut value {
        fields.remove("previousHash");
        fields.remove("hash");
    }
    let mut digest = Sha256::new();
    digest.update(record.previous_hash.as_bytes());
    digest.update(b"\n");
    digest.update(canonical(&value).as_bytes());
    let mut text = String::with_capacity(64);
    for byte in digest.finalize() {
        write!(text, "{byte:02x}").expect("text grows");
    }
    text
}

/// JSON in the one form that is hashed.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            // `Value` keeps its keys sorted or as they came, depending on what else is built into the program.
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_canonical(&fields[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            write!(out, "{value}").expect("text grows");
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("text is JSON"));
}

/// Checks a log, one event after the other.
#[derive(Debug)]
pub struct Walk {
    last: Link,
    events: u64,
}

impl Walk {
    /// Begins behind `anchor`: what was pruned last, or the default for a whole log.
    pub fn from(anchor: Link) -> Walk {
        Walk { last: anchor, events: 0 }
    }

    /// The event that was checked last, or the anchor.
    pub fn last(&self) -> &Link {
        &self.last
    }

    /// Goes on behind a place that was pruned while the log was read. Does nothing when the walk is past it.
    pub fn skip_to(&mut self, anchor: Link) {
        if anchor.seq > self.last.seq {
            self.last = anchor;
        }
    }

    /// Checks the next event.
    ///
    /// # Errors
    /// [`Chain::Broken`] when it does not follow from the last one.
    pub fn check(&mut self, record: &EventRecord) -> Result<(), Chain> {
        let broken = |seq, why: String| Err(Chain::Broken { seq, why });
        let expected = self.last.seq + 1;
        if record.seq > expected {
            return broken(expected, format!("event {expected} is missing; the next one is {}", record.seq));
        }
        if record.seq < expected {
            return broken(record.seq, format!("event {} stands where {expected} should", record.seq));
        }
        if record.previous_hash != self.last.hash {
            return broken(record.seq, "its previous hash is not the hash of the event before".to_owned());
        }
        if record.hash != hash(record) {
            return broken(record.seq, "its hash does not fit what it says".to_owned());
        }
        self.last = Link::of(record);
        self.events += 1;
        Ok(())
    }

    /// Ends the walk: `head` is the last event that was ever committed.
    pub fn end(self, head: &Link) -> Chain {
        if self.last.seq < head.seq {
            let seq = self.last.seq + 1;
            return Chain::Broken {
                seq,
                why: format!("events {seq} to {} are missing at the end", head.seq),
            };
        }
        if self.last != *head {
            let seq = head.seq + 1;
            return Chain::Broken { seq, why: format!("the log should end with event {}", head.seq) };
        }
        Chain::Holds { events: self.events, head: self.last.hash }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_core::document::{DocumentKey, Kind};

    use super::*;

    fn event(text: &str) -> NewEvent {
        NewEvent {
            kind: "release.step".to_owned(),
            subject: DocumentKey {
                kind: Kind::Release,
                environment: Some("production".parse().unwrap()),
                name: "checkout-1".parse().unwrap(),
            },
            actor: "sluice".to_owned(),
            text: text.to_owned(),
            data: json!({ "weight": 5000, "rate": 0.1, "b": [null, true, "é\n"] }),
        }
    }

    fn log(count: usize) -> Vec<EventRecord> {
        let mut last = Link::default();
        (0..count)
            .map(|n| {
                let record = last.append(event(&format!("step {n}")), Timestamp::from_millis(1_000));
                last = Link::of(&record);
                record
            })
            .collect()
    }

    fn walk(records: &[EventRecord], head: &Link) -> Chain {
        let mut walk = Walk::from(Link::default());
        for record in records {
            if let Err(broken) = walk.check(record) {
                return broken;
            }
        }
        walk.end(head)
    }

    #[test]
    fn the_hashed_text_is_the_documented_one() {
        let record = log(1).remove(0);
        let text = "0000000000000000000000000000000000000000000000000000000000000000\n\
            {\"actor\":\"sluice\",\"at\":\"1970-01-01T00:00:01.000Z\",\
            \"data\":{\"b\":[null,true,\"é\\n\"],\"rate\":0.1,\"weight\":5000},\
            \"kind\":\"release.step\",\"seq\":1,\
            \"subject\":{\"environment\":\"production\",\"kind\":\"Release\",\"name\":\"checkout-1\"},\
            \"text\":\"step 0\"}";
        let expected: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(record.hash, expected);
    }

    #[test]
    fn a_hash_survives_the_way_through_text() {
        for float in [0.1 + 0.2, 1e300, 5e-324, 123_456_789.123_456_79, 2.0, -0.0] {
            let mut new = event("a number");
            new.data = json!({ "float": float });
            let record = Link::default().append(new, Timestamp::from_millis(0));
            let read: EventRecord = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
            assert_eq!(hash(&read), record.hash, "{float}");
        }
    }

    #[test]
    fn every_kind_of_damage_is_found_where_it_is() {
        let records = log(5);
        let head = Link::of(&records[4]);
        assert_eq!(walk(&records, &head), Chain::Holds { events: 5, head: head.hash.clone() });

        let broken_at = |damage: &dyn Fn(&mut Vec<EventRecord>)| {
            let mut damaged = records.clone();
            damage(&mut damaged);
            match walk(&damaged, &head) {
                Chain::Broken { seq, .. } => seq,
                holds @ Chain::Holds { .. } => panic!("{holds:?}"),
            }
        };
        assert_eq!(broken_at(&|log| log[2].text.push('!')), 3, "changed");
        assert_eq!(broken_at(&|log| drop(log.remove(2))), 3, "removed");
        assert_eq!(broken_at(&|log| drop(log.pop())), 5, "removed at the end");
        assert_eq!(broken_at(&|log| log.insert(3, records[1].clone())), 2, "repeated");
        assert_eq!(
            broken_at(&|log| {
                let added = Link::of(&log[4]).append(event("added"), Timestamp::from_millis(0));
                log.push(added);
            }),
            6,
            "added at the end"
        );
        assert_eq!(
            broken_at(&|log| {
                log[2].text.push('!');
                log[2].hash = hash(&log[2]);
            }),
            4,
            "changed, with a new hash"
        );
    }
}
