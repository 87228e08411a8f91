//! Recording and reading.

use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};
use sluice_core::{Span, Timestamp};
use sluice_engine::port::history::{HistoryQuery, Measured, Sample, Series, What};

use super::made::*;
use crate::Random;

/// Also nothing that was recorded as nothing.
pub async fn an_empty_history_knows_nothing(history: AnyHistory) {
    record(&history, Vec::new()).await;
    assert_eq!(read(&history, all(START, START.after(DAY))).await, []);
    assert_eq!(history.noted(&"shop-2".parse().expect("a name"), START).await, Ok(None));
    tidy(&history, START).await;
}

/// By the second, oldest first, whatever was written in one call.
pub async fn what_was_recorded_is_read_as_it_was(history: AnyHistory) {
    let mut random = Random::from_seed(1);
    let mut expected = Vec::new();
    for n in 0..150_u64 {
        let at = START.after(Span::from_secs(n));
        let samples = ["1", "2"].map(|version| second(&traffic(version), at, drawn(&mut random)));
        expected.extend(samples);
    }
    for (from, until) in [(0, 7), (7, 200), (200, 300)] {
        record(&history, expected[from..until].to_vec()).await;
    }
    assert_eq!(read(&history, all(START, START.after(HOUR))).await, expected);
}

/// In one call or in several.
pub async fn what_is_recorded_twice_is_added_up(history: AnyHistory) {
    let mut random = Random::from_seed(2);
    let samples: Vec<Sample> = (0..5).map(|_| second(&traffic("1"), START, drawn(&mut random))).collect();
    record(&history, samples[..2].to_vec()).await;
    record(&history, samples[2..4].to_vec()).await;
    record(&history, samples[4..].to_vec()).await;
    let found = read(&history, all(START, START.after(MINUTE))).await;
    assert_eq!(found, [second(&traffic("1"), START, total(&samples))]);
}

/// Sums, histograms included, and nothing between.
pub async fn a_coarser_step_adds_up_exactly(history: AnyHistory) {
    let mut random = Random::from_seed(3);
    let samples: Vec<Sample> = (0..600)
        .map(|n| second(&traffic("1"), START.after(Span::from_secs(n)), drawn(&mut random)))
        .collect();
    record(&history, samples.clone()).await;
    for secs in [1, 7, 60, 90, 600, 3600] {
        let step = Span::from_secs(secs);
        let found = read(&history, HistoryQuery { step, ..all(START, START.after(HOUR)) }).await;
        assert_eq!(total(&found), total(&samples), "by {secs} seconds");
        for sample in &found {
            let of = samples.iter().filter(|fine| fine.at >= sample.at && fine.at < sample.at.after(step));
            assert_eq!((sample.span, counts(sample)), (step, &total(of)), "{} by {secs} s", sample.at);
        }
    }
}

/// From a time on, and until before another.
pub async fn a_query_is_about_its_service_version_and_time(history: AnyHistory) {
    let mut random = Random::from_seed(4);
    let path = |path: &str| Series { what: What::Path(path.to_owned()), ..traffic("1") };
    let other = Series { service: service("cart"), ..traffic("1") };
    let all_series = [traffic("1"), traffic("2"), path("/"), path("/pay"), other.clone()];
    let samples: Vec<Sample> = (0..10)
        .flat_map(|n| all_series.clone().map(|series| (n, series)))
        .map(|(n, series)| second(&series, START.after(Span::from_secs(n)), drawn(&mut random)))
        .collect();
    record(&history, samples.clone()).await;

    let (from, until) = (START.after(Span::from_secs(3)), START.after(Span::from_secs(8)));
    let is_in = |sample: &&Sample| from <= sample.at && sample.at < until;
    let expected = |is_asked: &dyn Fn(&Series) -> bool| -> Vec<Sample> {
        let mut found: Vec<Sample> =
            samples.iter().filter(is_in).filter(|sample| is_asked(&sample.series)).cloned().collect();
        found.sort_by(|a, b| (a.at, &a.series).cmp(&(b.at, &b.series)));
        found
    };
    let shop = all(from, until);
    let of_1 = HistoryQuery { version: Some(version("1")), ..shop.clone() };
    let pay = HistoryQuery { what: Some(What::Path("/pay".to_owned())), ..shop.clone() };
    let cart = HistoryQuery { service: service("cart"), ..shop.clone() };
    assert_eq!(read(&history, shop).await, expected(&|series| *series != other));
    let is_1 = |series: &Series| *series != other && series.version == Some(version("1"));
    assert_eq!(read(&history, of_1).await, expected(&is_1));
    assert_eq!(read(&history, pay).await, expected(&|series| *series == path("/pay")));
    assert_eq!(read(&history, cart).await, expected(&|series| *series == other));
}

/// Also one that lasts longer than a second, and one of all versions together.
pub async fn every_kind_of_amount_comes_back(history: AnyHistory) {
    let mut values = Histogram::default();
    [0, 3, 3, 70_000, u64::MAX].iter().for_each(|value| values.record(*value));
    let amounts = [
        Amount::Nothing,
        Amount::Trials(Trials { n: u64::MAX, k: 7 }),
        Amount::Events { events: 12, seconds: 15.25 },
        Amount::Values(values),
        Amount::Gauge(-0.1),
    ];
    let mut samples = Vec::new();
    for (n, amount) in amounts.into_iter().enumerate() {
        for (version, millis) in [(None, 15_000), (Some(version("1")), 1_000)] {
            let what = What::Metric(format!("metric-{n}").parse().expect("a name"));
            samples.push(Sample {
                series: Series { service: service("shop"), version, what },
                at: Timestamp::from_millis(START.as_millis() + 123),
                span: Span::from_millis(millis),
                measured: Measured::Amount(amount.clone()),
            });
        }
    }
    record(&history, samples.clone()).await;
    let mut found = read(&history, all(START, START.after(MINUTE))).await;
    found.sort_by(|a, b| (&a.series.what, &a.series.version).cmp(&(&b.series.what, &b.series.version)));
    assert_eq!(found, samples);
}
