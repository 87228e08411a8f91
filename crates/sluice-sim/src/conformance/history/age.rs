//! What becomes of history when it grows old.

use sluice_core::release::Amount;
use sluice_core::{Span, Timestamp};
use sluice_engine::port::history::{HistoryQuery, Measured, Sample, Series, What};

use super::made::*;
use crate::Random;

/// Two hours of a version, every tenth second.
fn two_hours(random: &mut Random) -> Vec<Sample> {
    let seconds = (0..7200).step_by(10).map(|n| START.after(Span::from_secs(n)));
    seconds.map(|at| second(&traffic("1"), at, drawn(random))).collect()
}

fn spans(samples: &[Sample]) -> Vec<u64> {
    let mut spans: Vec<u64> = samples.iter().map(|sample| sample.span.as_millis() / 1000).collect();
    spans.sort_unstable();
    spans.dedup();
    spans
}

/// By the second for three hours, by the minute for two days, by ten minutes then; to the last request.
pub async fn what_is_old_becomes_coarser_and_keeps_its_totals(history: AnyHistory) {
    let samples = two_hours(&mut Random::from_seed(5));
    record(&history, samples.clone()).await;
    let half = START.after(HOUR);
    let hours = |hours: u64| START.after(Span::from_secs(hours * 3600));
    for (now, expected, count) in [
        (hours(3), vec![1], 720),
        // The first of the two hours is older than three hours.
        (hours(4), vec![1, 60], 360 + 60),
        (hours(5), vec![60], 120),
        (hours(48), vec![60], 120),
        (hours(49), vec![60, 600], 60 + 6),
        (hours(50), vec![600], 12),
        (hours(34 * 24), vec![600], 12),
    ] {
        tidy(&history, now).await;
        let found = read(&history, all(START, hours(2))).await;
        assert_eq!((spans(&found), found.len()), (expected, count), "at {now}");
        assert!(found.is_sorted_by_key(|sample| sample.at));
        assert_eq!(total(&found), total(&samples), "at {now}");
        let first = samples.iter().filter(|sample| sample.at < half);
        let found = read(&history, all(START, half)).await;
        assert_eq!(total(&found), total(first), "the first hour at {now}");
    }
    let whole = HistoryQuery { step: HOUR, ..all(START, hours(2)) };
    assert_eq!(read(&history, whole).await.len(), 2, "never finer than asked");
}

/// As when a clock was set back.
pub async fn what_comes_late_is_added_to_what_is_coarse(history: AnyHistory) {
    let mut random = Random::from_seed(6);
    let mut samples = two_hours(&mut random);
    record(&history, samples.clone()).await;
    for age in [DAY, Span::from_secs(3 * 24 * 3600)] {
        let now = START.after(age);
        tidy(&history, now).await;
        let late = second(&traffic("1"), START.after(MINUTE), drawn(&mut random));
        record(&history, vec![late.clone()]).await;
        samples.push(late);
        for _ in 0..2 {
            let found = read(&history, all(START, START.after(DAY))).await;
            assert_eq!(total(&found), total(&samples));
            tidy(&history, now).await;
        }
        assert!(!spans(&read(&history, all(START, START.after(DAY))).await).contains(&1));
    }
}

/// An average of gauges would be a number that nobody measured.
pub async fn of_gauges_the_latest_stays(history: AnyHistory) {
    let what = What::Metric("queue".parse().expect("a name"));
    let series = Series { service: service("shop"), version: None, what };
    let gauge = |n: u64| Sample {
        series: series.clone(),
        at: START.after(Span::from_secs(n * 15)),
        span: Span::from_secs(15),
        measured: Measured::Amount(Amount::Gauge(n as f64)),
    };
    record(&history, (0..80).map(gauge).collect()).await;
    let latest = |samples: Vec<Sample>| -> Vec<Measured> {
        samples.into_iter().map(|sample| sample.measured).collect()
    };
    let until = START.after(Span::from_secs(1200));
    let two = [39.0, 79.0].map(|value| Measured::Amount(Amount::Gauge(value)));
    let by_ten_minutes = HistoryQuery { step: Span::from_secs(600), ..all(START, until) };
    assert_eq!(latest(read(&history, by_ten_minutes).await), two);
    for age in [DAY, Span::from_secs(3 * 24 * 3600)] {
        tidy(&history, START.after(age)).await;
    }
    assert_eq!(latest(read(&history, all(START, until)).await), two);
}

/// And what is younger stays.
pub async fn what_is_older_than_five_weeks_is_forgotten(history: AnyHistory) {
    let mut random = Random::from_seed(7);
    let weeks = |weeks: u64| START.after(Span::from_secs(weeks * 7 * 24 * 3600));
    let samples: Vec<Sample> =
        (0..6).map(|week| second(&traffic("1"), weeks(week), drawn(&mut random))).collect();
    record(&history, samples.clone()).await;
    for week in 5..11 {
        let now = Timestamp::from_millis(weeks(week).as_millis() + 600_000);
        tidy(&history, now).await;
        let found = read(&history, all(START, weeks(20))).await;
        let kept = week as usize - 4;
        assert_eq!(total(&found), total(&samples[kept..]), "after {week} weeks");
    }
    assert_eq!(read(&history, all(START, weeks(20))).await, []);
}
