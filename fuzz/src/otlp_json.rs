//! OTLP in JSON.

use sluice_connect::read_otlp_json;

use super::otlp_protobuf::judge;

/// The same request in protobuf is taken in the same way.
pub fn hold(bytes: &[u8]) {
    if let Some(reading) = read_otlp_json(bytes) {
        judge(&reading);
    }
}
