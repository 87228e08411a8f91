//! From the series of an answer to what each of them counted.

use std::collections::BTreeMap;

use sluice_engine::port::source::Trouble;

use super::answer::{Labels, Series, millis, number, show};
use super::buckets::{Counted, buckets_changed};
use super::tracker::Seen;
use crate::matcher::Matchers;
use crate::web::trouble;

/// The label of a classic histogram's buckets.
const BOUND: &str = "le";

/// A count: not below zero, and a number.
fn checked(count: f64, labels: &Labels) -> Result<f64, Trouble> {
    if count.is_finite() && count >= 0.0 {
        return Ok(count);
    }
    Err(trouble(format!(
        "the counter {} is {count}; a counter is a number that is not below zero",
        show(labels)
    )))
}

/// What names a series: its labels but those that are left out.
fn key(labels: &Labels, without: &[&str]) -> String {
    let pairs = labels.iter().filter(|(label, _)| !without.contains(&label.as_str()));
    pairs.map(|(label, value)| format!("{label}\u{0}{value}\u{0}")).collect()
}

/// What names a histogram.
pub(crate) fn key_of_histogram(labels: &Labels) -> String {
    key(labels, &["__name__", BOUND])
}

/// What names a counter, which may have a label `le` of its own.
pub(crate) fn key_of_counter(labels: &Labels) -> String {
    key(labels, &["__name__"])
}

/// Counters; those that `bad` asks for are the bad ones.
///
/// # Errors
/// When a sample is no count.
pub(crate) fn counters(series: Vec<Series>, bad: Option<&Matchers>) -> Result<Vec<Seen>, Trouble> {
    series
        .into_iter()
        .map(|series| {
            if !series.histograms.is_empty() {
                return Err(trouble(format!("{} is a histogram, not a counter", show(&series.metric))));
            }
            let is_bad =
                bad.is_some_and(|bad| bad.is_met(|label| series.metric.get(label).map(String::as_str)));
            let mut points = Vec::with_capacity(series.values.len());
            for sample in &series.values {
                if let Some(count) = sample.number()? {
                    points.push((sample.millis(), Counted::Plain(checked(count, &series.metric)?)));
                }
            }
            Ok(Seen { key: key_of_counter(&series.metric), is_bad, points })
        })
        .collect()
}

/// Native histograms.
///
/// # Errors
/// When a count is none.
pub(crate) fn natives(series: Vec<Series>) -> Result<Vec<Seen>, Trouble> {
    let read = |series: Series| {
        let mut points = Vec::with_capacity(series.histograms.len());
        for (at, histogram) in &series.histograms {
            checked(histogram.count()?, &series.metric)?;
            let buckets = histogram.buckets()?;
            for (left, right, count) in &buckets {
                checked(*count, &series.metric)?;
                if left.is_nan() || right.is_nan() || left > right {
                    return Err(trouble(format!(
                        "a bucket of {} is from {left} to {right}",
                        show(&series.metric)
                    )));
                }
            }
            points.push((millis(*at), Counted::native(buckets)));
        }
        Ok(Seen { key: key_of_histogram(&series.metric), is_bad: false, points })
    };
    series.into_iter().map(read).collect()
}

/// One series for each bound, by time.
#[derive(Default)]
struct Group {
    bounds: Vec<f64>,
    moments: BTreeMap<i64, Vec<(f64, f64)>>,
}

/// Classic histograms, whose buckets are series of their own. `bounds` are those that all of them must have; when none
/// are known yet, they become those that are found.
///
/// # Errors
/// When the buckets of one differ from those of another or from before, or make no sense.
pub(crate) fn classics(series: Vec<Series>, bounds: &mut Option<Vec<f64>>) -> Result<Vec<Seen>, Trouble> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for series in &series {
        let Some(bound) = series.metric.get(BOUND) else {
            return Err(trouble(format!(
                "{} has no label `le`, so it is no histogram",
                show(&series.metric)
            )));
        };
        let bound = number(bound).ok().filter(|bound| !bound.is_nan());
        let bound = bound
            .ok_or_else(|| trouble(format!("{} has a bound that is no number", show(&series.metric))))?;
        let group = groups.entry(key_of_histogram(&series.metric)).or_default();
        if group.bounds.contains(&bound) {
            return Err(trouble(format!("{} has a bucket twice", show(&series.metric))));
        }
        group.bounds.push(bound);
        for sample in &series.values {
            if let Some(count) = sample.number()? {
                group
                    .moments
                    .entry(sample.millis())
                    .or_default()
                    .push((bound, checked(count, &series.metric)?));
            }
        }
    }
    groups.into_iter().map(|(key, group)| group.into_seen(key, bounds)).collect()
}

impl Group {
    fn into_seen(mut self, key: String, bounds: &mut Option<Vec<f64>>) -> Result<Seen, Trouble> {
        self.bounds.sort_by(f64::total_cmp);
        let bounds = bounds.get_or_insert(self.bounds);
        let newest = self.moments.last_key_value().map(|(at, _)| *at);
        let mut points = Vec::with_capacity(self.moments.len());
        for (at, counts) in self.moments {
            let is_known = counts.iter().all(|(bound, _)| bounds.contains(bound));
            // Of the newest, some buckets may not have been stored yet; they come with the next read.
            if is_known && counts.len() < bounds.len() && Some(at) == newest {
                continue;
            }
            if !is_known || counts.len() < bounds.len() {
                return Err(buckets_changed());
            }
            points.push((at, Counted::classic(counts)?));
        }
        Ok(Seen { key, is_bad: false, points })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prometheus::answer::Answer;

    fn series(result: &str) -> Vec<Series> {
        let text = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":{result}}}}}"#);
        serde_json::from_str::<Answer>(&text).unwrap().into_series().unwrap()
    }

    fn bucket(le: &str, pod: &str, values: &str) -> String {
        format!(r#"{{"metric":{{"__name__":"h_bucket","le":"{le}","pod":"{pod}"}},"values":{values}}}"#)
    }

    #[test]
    fn counters_that_are_no_counts_are_named() {
        for value in ["-1", "+Inf", "-Inf"] {
            let found = series(&format!(r#"[{{"metric":{{"pod":"a"}},"values":[[1,"{value}"]]}}]"#));
            let why = counters(found, None).unwrap_err().why;
            assert!(why.contains(r#"{pod="a"}"#), "{why}");
        }
        let ended = series(r#"[{"metric":{"pod":"a"},"values":[[1,"5"],[2,"NaN"],[3,null]]}]"#);
        assert_eq!(counters(ended, None).unwrap()[0].points.len(), 1);
    }

    #[test]
    fn histograms_with_different_buckets_are_never_mixed() {
        let same = [bucket("0.1", "a", r#"[[1,"2"]]"#), bucket("+Inf", "a", r#"[[1,"3"]]"#)];
        let mut bounds = None;
        assert_eq!(classics(series(&format!("[{}]", same.join(","))), &mut bounds).unwrap().len(), 1);
        assert_eq!(bounds, Some(vec![0.1, f64::INFINITY]));
        let other = [bucket("0.2", "b", r#"[[1,"2"]]"#), bucket("+Inf", "b", r#"[[1,"3"]]"#)];
        let why = classics(series(&format!("[{}]", other.join(","))), &mut bounds).unwrap_err().why;
        assert!(why.contains("its buckets changed"), "{why}");
    }

    #[test]
    fn of_the_newest_moment_buckets_may_be_missing() {
        let found = [bucket("0.1", "a", r#"[[1,"2"]]"#), bucket("+Inf", "a", r#"[[1,"3"],[2,"4"]]"#)];
        let seen = classics(series(&format!("[{}]", found.join(","))), &mut None).unwrap();
        assert_eq!(seen[0].points.len(), 1);
        let found = [bucket("0.1", "a", r#"[[2,"2"]]"#), bucket("+Inf", "a", r#"[[1,"3"],[2,"4"]]"#)];
        assert!(classics(series(&format!("[{}]", found.join(","))), &mut None).is_err());
    }
}
