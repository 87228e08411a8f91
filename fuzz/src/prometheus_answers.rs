//! Answers of Prometheus.

use sluice_connect::read_prometheus_answer;

/// The same answer makes the same number of series, wherever it lies in memory and however much space follows it.
pub fn hold(bytes: &[u8]) {
    let spaced = [bytes, b" \n"].concat();
    assert_eq!(read_prometheus_answer(bytes), read_prometheus_answer(&spaced));
}
