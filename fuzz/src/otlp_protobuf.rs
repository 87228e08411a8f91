//! OTLP in protobuf.

use sluice_connect::{OtlpReading, read_otlp_protobuf};

/// What is understood and written anew is taken alike; see also [`judge`].
pub fn hold(bytes: &[u8]) {
    if let Some(reading) = read_otlp_protobuf(bytes) {
        judge(&reading);
    }
}

/// Written anew in protobuf, a request is taken in the same way. No more series are made than the inbox may hold, no
/// more points refused than there are, and none without a word.
pub(super) fn judge(reading: &OtlpReading) {
    assert_eq!(
        read_otlp_protobuf(&reading.protobuf).as_ref(),
        Some(reading),
        "it is read otherwise when written anew"
    );
    assert!(reading.series <= 16, "{} series", reading.series);
    assert!(reading.rejected <= reading.protobuf.len() as u64, "{} points were refused", reading.rejected);
    assert!(
        reading.rejected == 0 || !reading.message.is_empty(),
        "nothing is said of points that were refused"
    );
    assert!(!reading.message.contains(char::is_control), "{:?} breaks the line", reading.message);
}
