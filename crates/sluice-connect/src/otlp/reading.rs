//! Any bytes read as OTLP, for whoever wants to see that none do harm.

use std::sync::Arc;

use async_trait::async_trait;
use prost::Message as _;
use sluice_core::Timestamp;
use sluice_engine::port::Clock;

use super::message::ExportRequest;
use crate::inbox::{Inbox, InboxOptions};

/// Few enough that a request of some kilobytes comes to the end of them.
const OPTIONS: InboxOptions =
    InboxOptions { series_max: 16, bytes_max: 64 << 10, stale_after: sluice_core::Span::from_secs(180) };
/// The time of the inbox: a million seconds after 1970.
const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

/// What a request for OTLP holds, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpReading {
    /// The request, as far as it is known, written anew in protobuf. Read again it is the same.
    pub protobuf: Vec<u8>,
    /// How many series an empty inbox, which holds 16 at most, has made of it.
    pub series: usize,
    /// How many points it did not take.
    pub rejected: u64,
    /// What it said of them, and of others.
    pub message: String,
}

/// Reads any bytes as an `ExportMetricsServiceRequest` in protobuf, and gives it to an empty inbox, whose clock stands
/// a million seconds after 1970. `None` when they are no such request.
pub fn read_otlp_protobuf(bytes: &[u8]) -> Option<OtlpReading> {
    ExportRequest::decode(bytes).ok().map(|request| taken(&request))
}

/// As [`read_otlp_protobuf`], from JSON.
pub fn read_otlp_json(bytes: &[u8]) -> Option<OtlpReading> {
    serde_json::from_slice(bytes).ok().map(|request| taken(&request))
}

fn taken(request: &ExportRequest) -> OtlpReading {
    let inbox = Inbox::new(OPTIONS, Arc::new(Still));
    let receipt = inbox.take(request);
    OtlpReading {
        protobuf: request.encode_to_vec(),
        series: inbox.series(),
        rejected: receipt.rejected,
        message: receipt.message,
    }
}

/// A clock that stands still.
struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    async fn sleep_until(&self, _at: Timestamp) {}
}
