//! What was counted is kept, and a history that fails stops nothing.

use std::sync::Arc;

use sluice_core::release::status::PhaseName;
use sluice_core::{Counts, Span};
use sluice_engine::port::History;
use sluice_engine::port::history::{HistoryQuery, Measured, Sample, What};
use sluice_engine::port::store::Error;
use sluice_sim::{Home, Life, MemoryHistory};

use super::{SHOP, home, shop};

fn with(history: &Arc<MemoryHistory>) -> Home {
    let mut home = home(21);
    home.history = Arc::clone(history) as Arc<dyn History>;
    home
}

fn all(life: &Life) -> HistoryQuery {
    HistoryQuery {
        service: shop(),
        version: None,
        what: None,
        from: sluice_sim::clock::EPOCH,
        until: life.now().after(Span::from_secs(60)),
        step: Span::from_secs(1),
    }
}

fn requests(samples: &[Sample]) -> u64 {
    let counts = |sample: &Sample| match &sample.measured {
        Measured::Counts(counts) => Counts::clone(counts).requests,
        Measured::Amount(_) => 0,
    };
    samples.iter().map(counts).sum()
}

#[test]
fn every_second_that_had_requests_is_kept_and_handed_over_ten_at_a_time() {
    let history = Arc::new(MemoryHistory::new());
    with(&history).live(async |life| {
        life.apply(SHOP).await.unwrap();
        life.pass(Span::from_secs(2)).await;
        let (before, counted) = (requests(&life.engine.history(all(life)).await.unwrap()), counted(life));
        life.pass(Span::from_secs(45)).await;
        let found = life.engine.history(all(life)).await.unwrap();
        let seconds: Vec<i64> = found.iter().map(|sample| sample.at.as_millis() / 1000).collect();
        assert!(seconds.windows(2).all(|pair| pair[1] == pair[0] + 1), "a hole in {seconds:?}");
        assert!(found.iter().all(|sample| sample.span == Span::from_secs(1)));
        assert!(found.iter().all(|sample| sample.series.what == What::Traffic));
        // Of the last second, it is not known whether it is over.
        let (seen, all) = (requests(&found) - before, self::counted(life) - counted);
        assert!(seen > 0 && seen.abs_diff(all) <= all / 20, "{seen} of {all}");
        let records = history.records();
        assert!((3..=6).contains(&records), "{records}");
        let handed_over = requests(&history.read(self::all(life)).await.unwrap());
        assert!(handed_over < requests(&found), "the last ones are still on their way, and are seen");

        life.engine.stop().await;
        let kept = history.read(self::all(life)).await.unwrap();
        assert!(requests(&kept) >= requests(&found), "the end keeps what is left");
    });
}

fn counted(life: &Life) -> u64 {
    life.home.city.counted(&shop(), "1.0.0")
}

#[test]
fn a_history_that_fails_is_counted_and_holds_no_release_up() {
    let history = Arc::new(MemoryHistory::new());
    history.fail(Some(Error::Full { folder: "data".to_owned() }));
    with(&history).live(async |life| {
        life.apply(SHOP).await.unwrap();
        let release = life.release(&shop(), "1.1.0", "quick").await.unwrap();
        life.until(&release, PhaseName::Succeeded).await;
        assert!(life.engine.telemetry().history_failures > 3);
        assert!(life.engine.history(all(life)).await.is_err());

        history.fail(None);
        let failures = life.engine.telemetry().history_failures;
        life.pass(Span::from_secs(30)).await;
        assert_eq!(life.engine.telemetry().history_failures, failures);
        let found = life.engine.history(all(life)).await.unwrap();
        assert!(requests(&found) > 0, "it is kept again");
    });
}
