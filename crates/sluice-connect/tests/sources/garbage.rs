//! No bytes do harm.

use proptest::prelude::*;
use sluice_connect::read_prometheus_answer;

const WHOLE: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"h_bucket","le":"0.1","v":"1"},"values":[[1795470400.325,"60"],[1795470401.325,"90"]]},{"metric":{"__name__":"h_bucket","le":"+Inf","v":"1"},"values":[[1795470400.325,"61"],[1795470401.325,"91"]],"histograms":[[1795470400.720,{"count":"80","sum":"40","buckets":[[0,"0.6484197773255048","0.7071067811865475","40"],[0,"0.7071067811865475","0.7711054127039704","40"]]}]]}]}}"#;

/// What numbers may become.
const ODD: [&str; 12] =
    ["NaN", "+Inf", "-Inf", "-1", "1e308", "-1e308", "0", "1e-320", "18446744073709551616", "", "é", "0.1"];

#[test]
fn a_whole_answer_is_read() {
    // As two counters and, as counts of values do not add up with bounds missing, no more and no less than one of each.
    assert!(read_prometheus_answer(WHOLE.as_bytes()) >= 2);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_prometheus_answer(&bytes);
    }

    #[test]
    fn changed_bytes_of_an_answer_are_read_without_harm(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        end in any::<proptest::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        read_prometheus_answer(&bytes);
    }

    #[test]
    fn odd_numbers_are_read_without_harm(
        odd in proptest::collection::vec((0..20_usize, proptest::sample::select(&ODD[..])), 1..4),
        times in proptest::collection::vec(any::<f64>(), 4),
    ) {
        let mut texts: Vec<String> = WHOLE.split('"').map(str::to_owned).collect();
        let numbers: Vec<usize> = (0..texts.len()).filter(|at| texts[*at].parse::<f64>().is_ok()).collect();
        for (which, number) in odd {
            texts[numbers[which % numbers.len()]] = number.to_owned();
        }
        let mut text = texts.join("\"");
        for (old, new) in ["1795470400.325", "1795470401.325", "1795470400.720"].iter().zip(times) {
            if new.is_finite() {
                text = text.replace(old, &format!("{new:e}"));
            }
        }
        read_prometheus_answer(text.as_bytes());
    }
}
