//! Events of the log, as they are stored and handed out.

use serde_json::Value;
use sluice_engine::port::store::EventRecord;
use sluice_engine::port::store::chain::{canonical, hash};

/// An event that is read, written and read again is the same and has the same hash. Canonical JSON is JSON of the same
/// value, and is canonical.
pub fn hold(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let written = canonical(&value);
        let read: Value = serde_json::from_str(&written).expect("canonical JSON is JSON");
        assert_eq!(read, value, "canonical JSON is of another value");
        assert_eq!(canonical(&read), written, "canonical JSON is not canonical");
    }
    if let Ok(record) = serde_json::from_slice::<EventRecord>(bytes) {
        let written = serde_json::to_vec(&record).expect("events are JSON");
        let read: EventRecord = serde_json::from_slice(&written).expect("an event that was written is read");
        assert_eq!(read, record);
        assert_eq!(hash(&read), hash(&record));
    }
}
