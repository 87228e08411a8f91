//! States that were stored by the first form of these tests, before they kept rows and running sums, are read, mean what
//! they meant and are written the same.

use sluice_stats::{Histogram, QuantileTest, RatioTest, Trials, Window};

use crate::assert_agree;

const TIMES: &str = include_str!("stored/times.json");
const FAILURES: &str = include_str!("stored/failures.json");
const WINDOW: &str = include_str!("stored/window.json");

fn written<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("it can be written") + "\n"
}

#[test]
fn a_test_of_times_goes_on_where_it_was() {
    let mut test: QuantileTest = serde_json::from_str(TIMES).unwrap();
    assert_eq!(written(&test), TIMES);
    assert_agree(test.log_e(), 15.428084503597386, 260).unwrap();
    assert!(test.is_worse(0.01));
    let mut more = Histogram::default();
    more.add(400, 50);
    test.update(&more, &more);
    assert_agree(test.log_e(), 0.045663123658457774, 360).unwrap();
}

#[test]
fn a_test_of_failures_goes_on_where_it_was() {
    let mut test: RatioTest = serde_json::from_str(FAILURES).unwrap();
    assert_eq!(written(&test), FAILURES);
    assert_agree(test.log_e(), 2.646009134995254, 260).unwrap();
    test.update(Trials::new(50, 1), Trials::new(50, 5));
    assert_agree(test.log_e(), 4.31082604919773, 360).unwrap();
}

#[test]
fn a_window_goes_on_where_it_was() {
    let mut window: Window<Histogram> = serde_json::from_str(WINDOW).unwrap();
    assert_eq!(written(&window), WINDOW);
    assert_eq!(window.total(76_000).iter().collect::<Vec<_>>(), [(320, 6), (350, 8), (380, 8), (410, 8)]);
    // The two slots from before 30 s are out of the span.
    window.add(89_000, &Histogram::default());
    assert_eq!(window.total(89_000).iter().collect::<Vec<_>>(), [(320, 6), (350, 6), (380, 6), (410, 6)]);
}
