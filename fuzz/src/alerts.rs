//! Calls of Alertmanager, Grafana and Datadog, and the file in which alerts are kept.

use sluice_connect::{read_alert_call, read_kept_alerts};

/// What is kept of a call is read back as it was written, and a file that is read and written stays the same.
pub fn hold(bytes: &[u8]) {
    if let Some(kept) = read_alert_call(bytes) {
        assert_eq!(read_kept_alerts(&kept).as_ref(), Some(&kept), "what is kept is not read back");
        assert_eq!(read_alert_call(bytes), Some(kept), "the same call is kept in two ways");
    }
    if let Some(kept) = read_kept_alerts(bytes) {
        assert_eq!(read_kept_alerts(&kept).as_ref(), Some(&kept), "a file that is written anew changes");
    }
}
