//! Named numbers, as rows and answers have them, made into what a kind of metric counts.
//!
//! The names follow from the metric's kind: `total` and `bad` for a ratio, `events` for a rate, `value` (and `count`, if
//! many are alike) for a distribution or a mean, one `value` for a gauge.

use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};
use sluice_engine::port::source::Trouble;

use crate::web::trouble;

/// Above this, not every whole number is exact any more: 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The names that a kind needs, and those that it may have beside them.
pub(crate) fn names_of(kind: MetricKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        MetricKind::Ratio => (&["total", "bad"], &[]),
        MetricKind::Rate => (&["events"], &[]),
        MetricKind::Distribution | MetricKind::Mean => (&["value"], &["count"]),
        MetricKind::Gauge => (&["value"], &[]),
    }
}

/// Whether those names are given that a kind needs, and no others.
///
/// # Errors
/// When one is missing or makes no sense; says which are wanted.
pub(crate) fn check_names<'a>(
    kind: MetricKind,
    what: &str,
    given: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Trouble> {
    let (needed, allowed) = names_of(kind);
    let list =
        |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
    if let Some(missing) = needed.iter().find(|name| !given.clone().any(|given| given == **name)) {
        return Err(trouble(format!(
            "`{what}` has no `{missing}`; this kind of metric needs {}",
            list(needed)
        )));
    }
    match given.clone().find(|given| !needed.contains(given) && !allowed.contains(given)) {
        Some(odd) => Err(trouble(format!(
            "`{what}` has `{odd}`, which this kind of metric does not know; it needs {}",
            list(needed)
        ))),
        None => Ok(()),
    }
}

/// A count: whole, and not below zero.
///
/// # Errors
/// When it is negative, no number, or too large to be exact.
pub(crate) fn count(name: &str, value: f64) -> Result<u64, Trouble> {
    if !value.is_finite() {
        return Err(trouble(format!("`{name}` is {value}, which is no count")));
    }
    if value < 0.0 {
        return Err(trouble(format!("`{name}` is {value}; a count cannot be below zero")));
    }
    if value > EXACT_MAX {
        return Err(trouble(format!("`{name}` is {value}, which is too large to be counted with")));
    }
    Ok(value.round() as u64)
}

/// For a ratio.
///
/// # Errors
/// When either is no count, or more were bad than there were.
pub(crate) fn trials(total: f64, bad: f64) -> Result<Amount, Trouble> {
    let (n, k) = (count("total", total)?, count("bad", bad)?);
    if k > n {
        return Err(trouble(format!(
            "`bad` is {k}, more than `total`, which is {n}; `total` must count all, also the bad ones"
        )));
    }
    Ok(Amount::Trials(Trials { n, k }))
}

/// For a rate.
///
/// # Errors
/// When it is no count.
pub(crate) fn events(events: f64, seconds: f64) -> Result<Amount, Trouble> {
    Ok(Amount::Events { events: count("events", events)?, seconds })
}

/// For a gauge.
///
/// # Errors
/// When it is no number.
pub(crate) fn gauge(value: f64) -> Result<Amount, Trouble> {
    if value.is_finite() {
        Ok(Amount::Gauge(value))
    } else {
        Err(trouble(format!("`value` is {value}, which is no number")))
    }
}

/// The bucket of a value in the metric's unit; values are counted in thousandths of it. What is longer than the longest
/// bucket counts as the longest.
///
/// # Errors
/// When it is negative or no number: distributions are of lengths and sizes.
pub(crate) fn bucket(value: f64) -> Result<u16, Trouble> {
    if value.is_nan() {
        return Err(trouble("a value is NaN"));
    }
    if value < 0.0 {
        return Err(trouble(format!("a value is {value}; values below zero cannot be counted")));
    }
    // Float to integer saturates.
    Ok(Histogram::bucket_of((value * 1000.0).round() as u64))
}

/// Many values with how often each was there.
///
/// # Errors
/// When a value is negative or no number, or a count is none.
pub(crate) fn values(values: impl IntoIterator<Item = (f64, f64)>) -> Result<Amount, Trouble> {
    let mut histogram = Histogram::default();
    for (value, times) in values {
        histogram.add(bucket(value)?, count("count", times)?);
    }
    Ok(Amount::Values(histogram))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_count_is_named() {
        for (total, bad, word) in [
            (-1.0, 0.0, "below zero"),
            (f64::NAN, 0.0, "NaN"),
            (1.0, 2.0, "more than"),
            (1e300, 0.0, "too large"),
        ] {
            let why = trials(total, bad).unwrap_err().why;
            assert!(why.contains(word), "{why}");
        }
        assert_eq!(trials(10.0, 3.0).unwrap(), Amount::Trials(Trials { n: 10, k: 3 }));
    }

    #[test]
    fn values_are_counted_in_thousandths() {
        let Amount::Values(histogram) = values([(0.25, 4.0)]).unwrap() else { panic!("values give values") };
        assert_eq!(histogram.iter().collect::<Vec<_>>(), [(Histogram::bucket_of(250), 4)]);
        assert!(values([(-0.1, 1.0)]).is_err() && values([(1.0, -1.0)]).is_err());
    }

    #[test]
    fn names_must_be_those_of_the_kind() {
        let check = |kind, given: &[&str]| check_names(kind, "queries", given.iter().copied());
        assert!(check(MetricKind::Ratio, &["total", "bad"]).is_ok());
        assert!(
            check(MetricKind::Mean, &["value"]).is_ok()
                && check(MetricKind::Mean, &["value", "count"]).is_ok()
        );
        assert!(check(MetricKind::Ratio, &["total"]).unwrap_err().why.contains("no `bad`"));
        assert!(check(MetricKind::Gauge, &["value", "sum"]).unwrap_err().why.contains("`sum`"));
    }
}
