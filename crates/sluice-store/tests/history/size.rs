//! A history keeps within its size.

use std::path::Path;

use serde_json::json;
use sluice_core::{Counts, Span, Timestamp};
use sluice_engine::port::History as _;
use sluice_engine::port::history::{Measured, Note, Sample, Series, What};
use sluice_engine::port::store::Error;
use sluice_store::SqliteHistory;

use crate::damage::{START, all, service};

const SIZE: u64 = 2 * 1024 * 1024;

/// A minute of busy traffic of this version.
fn minute(version: u64, start: Timestamp) -> Vec<Sample> {
    let series = Series {
        service: service(),
        version: Some(version.to_string().parse().unwrap()),
        what: What::Traffic,
    };
    let second = |n: u64| {
        let mut counts = Counts { requests: 50, responses: [0, 50, 0, 0, 0], ..Counts::default() };
        (0..50)
            .for_each(|i| counts.latency.record(1_000 + (n * 7_919 + i * i * 104_729 + version) % 400_000));
        let at = start.after(Span::from_secs(n));
        Sample {
            series: series.clone(),
            at,
            span: Span::from_secs(1),
            measured: Measured::Counts(counts.into()),
        }
    };
    (0..60).map(second).collect()
}

fn size(folder: &Path) -> u64 {
    folder.join("history.db").metadata().unwrap().len()
}

#[tokio::test]
async fn what_is_finest_and_oldest_goes_first_and_the_last_minutes_stay() {
    let folder = tempfile::tempdir().unwrap();
    let history = SqliteHistory::open(folder.path(), SIZE).unwrap();
    let mut now = START;
    for _ in 0..60 {
        for version in 0..8 {
            history.record(minute(version, now)).await.unwrap();
        }
        now = now.after(Span::from_secs(60));
        history.tidy(now).await.unwrap();
        assert!(size(folder.path()) <= SIZE, "{}", size(folder.path()));
    }
    let found = history.read(all()).await.unwrap();
    let total: u64 = found
        .iter()
        .map(|sample| match &sample.measured {
            Measured::Counts(counts) => counts.requests,
            Measured::Amount(_) => 0,
        })
        .sum();
    assert_eq!(total, 60 * 60 * 8 * 50, "within an hour nothing was forgotten");
    let first = found.iter().find(|sample| sample.span == Span::from_secs(1)).unwrap();
    assert!(now.since(first.at) >= Span::from_secs(600) && now.since(first.at) < Span::from_secs(3600));
    let is_fine = |sample: &Sample| sample.span == Span::from_secs(1);
    assert!(found.iter().filter(|sample| sample.at >= first.at).all(is_fine), "the finest is the newest");
}

#[tokio::test]
async fn notes_are_held_within_the_size_too() {
    let folder = tempfile::tempdir().unwrap();
    let history = SqliteHistory::open(folder.path(), SIZE).unwrap();
    let release = || "shop-2".parse().unwrap();
    for n in 0..1_000_u64 {
        let at = START.after(Span::from_secs(n));
        let account = json!({ "n": n, "filler": "x".repeat(10_000) });
        history.note(Note { release: release(), at, account }).await.unwrap();
        if n % 10 == 0 {
            history.tidy(at).await.unwrap();
        }
    }
    assert!(size(folder.path()) <= SIZE);
    let last = START.after(Span::from_secs(999));
    assert_eq!(history.noted(&release(), last).await.unwrap().unwrap().account["n"], 999);
    assert_eq!(history.noted(&release(), START).await.unwrap(), None);
}

#[tokio::test]
async fn a_history_that_is_never_tidied_is_full_at_its_size_and_goes_on_when_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let history = SqliteHistory::open(folder.path(), SIZE).unwrap();
    let mut now = START;
    let error = loop {
        match history.record(minute(1, now)).await {
            Ok(()) => now = now.after(Span::from_secs(60)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert!(size(folder.path()) <= SIZE);
    let before = history.read(all()).await.unwrap();
    assert!(before.len() as u64 >= now.since(START).as_millis() / 1000, "all that was answered is there");
    history.tidy(now).await.unwrap();
    history.record(minute(1, now)).await.unwrap();
}
