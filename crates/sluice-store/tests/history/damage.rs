//! Files and rows that are damaged, disks that are full, and files of others.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use sluice_core::release::Amount;
use sluice_core::{ServiceKey, Span, Timestamp};
use sluice_engine::port::History as _;
use sluice_engine::port::history::{HistoryQuery, Measured, Sample, Series, What};
use sluice_engine::port::store::Error;
use sluice_store::{HISTORY_SIZE, OpenError, SqliteHistory};
use tempfile::TempDir;

pub(crate) const START: Timestamp = Timestamp::from_millis(1_795_424_400_000);

pub(crate) fn service() -> ServiceKey {
    ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() }
}

fn gauge(minute: u64, value: f64) -> Sample {
    let what = What::Metric("queue".parse().unwrap());
    Sample {
        series: Series { service: service(), version: None, what },
        at: START.after(Span::from_secs(minute * 60)),
        span: Span::from_secs(1),
        measured: Measured::Amount(Amount::Gauge(value)),
    }
}

pub(crate) fn all() -> HistoryQuery {
    let (from, until) = (Timestamp::from_millis(0), START.after(Span::from_secs(1 << 30)));
    HistoryQuery { service: service(), version: None, what: None, from, until, step: Span::from_secs(1) }
}

fn opened() -> (TempDir, SqliteHistory) {
    let folder = tempfile::tempdir().unwrap();
    let history = SqliteHistory::open(folder.path(), HISTORY_SIZE).unwrap();
    (folder, history)
}

fn reopened(folder: &TempDir) -> SqliteHistory {
    SqliteHistory::open(folder.path(), HISTORY_SIZE).unwrap()
}

fn sql(folder: &Path) -> Connection {
    Connection::open(folder.join("history.db")).unwrap()
}

#[tokio::test]
async fn a_history_that_is_opened_again_knows_everything() {
    let (folder, history) = opened();
    history.record(vec![gauge(0, 1.0), gauge(1, 2.0)]).await.unwrap();
    drop(history);
    assert_eq!(reopened(&folder).read(all()).await.unwrap(), [gauge(0, 1.0), gauge(1, 2.0)]);
}

#[tokio::test]
async fn a_row_that_is_damaged_costs_itself_alone_and_is_set_aside() {
    let (folder, history) = opened();
    history.record((0..3).map(|minute| gauge(minute, 1.0)).collect()).await.unwrap();
    // A second piece of the same minute.
    let later = Sample { at: START.after(Span::from_secs(90)), ..gauge(1, 5.0) };
    history.record(vec![later.clone()]).await.unwrap();
    let damage = "UPDATE samples SET data = CAST(X'01FF' || substr(data, 3) AS BLOB) WHERE start = ?1";
    let spoil = |minute: u64, sql_text: &str| {
        let start = gauge(minute, 0.0).at.as_millis();
        assert_eq!(sql(folder.path()).execute(sql_text, [start]).unwrap(), 1);
    };
    spoil(0, damage);
    // Only a byte of the value of the first piece.
    spoil(
        1,
        "UPDATE samples SET data = CAST(substr(data, 1, 8) || X'77' || substr(data, 10) AS BLOB) WHERE start = ?1",
    );
    assert_eq!(history.read(all()).await.unwrap(), [later.clone(), gauge(2, 1.0)]);

    history.tidy(START.after(Span::from_secs(24 * 3600))).await.unwrap();
    let kept = history.read(all()).await.unwrap();
    let values: Vec<&Measured> = kept.iter().map(|sample| &sample.measured).collect();
    assert_eq!(values, [&later.measured, &gauge(2, 1.0).measured]);
    let aside: (i64, String) = sql(folder.path())
        .query_row("SELECT COUNT(*), MIN(why) FROM damaged", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(aside, (2, "it ends too early".to_owned()));
}

#[tokio::test]
async fn a_file_that_is_damaged_is_set_aside_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    fs::write(&file, "no database, but long enough to be read as one".repeat(200)).unwrap();
    let history = reopened(&folder);
    history.record(vec![gauge(0, 1.0)]).await.unwrap();
    assert_eq!(history.read(all()).await.unwrap(), [gauge(0, 1.0)]);
    let aside = fs::read_to_string(folder.path().join("history.db.damaged")).unwrap();
    assert!(aside.starts_with("no database"));
}

#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_open_is_named_and_recording_goes_on_in_a_new_one() {
    let (folder, history) = opened();
    for minute in 0..2_000 {
        history.record(vec![gauge(minute, 1.0)]).await.unwrap();
        if minute == 0 {
            assert_eq!(history.read(all()).await.unwrap().len(), 1);
        }
    }
    drop(history);
    let file = folder.path().join("history.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&file, bytes).unwrap();

    let history = reopened(&folder);
    let mut errors = Vec::new();
    for _ in 0..3 {
        if let Err(error) = history.record(vec![gauge(3_000, 1.0)]).await {
            errors.push(error);
        }
    }
    // It may have been noticed when it was opened.
    assert!(errors.len() <= 1, "{errors:?}");
    for error in errors {
        assert!(matches!(&error, Error::Corrupt { why } if why.contains("history.db.damaged")), "{error}");
    }
    let found = history.read(all()).await.unwrap();
    assert!(!found.is_empty() && found.iter().all(|sample| *sample == gauge(3_000, 1.0)), "{found:?}");
    assert!(folder.path().join("history.db.damaged").exists());
}

#[tokio::test]
async fn a_reader_that_meets_damage_first_sets_the_file_aside_too() {
    let (folder, history) = opened();
    for minute in 0..2_000 {
        history.record(vec![gauge(minute, 1.0)]).await.unwrap();
    }
    drop(history);
    let file = folder.path().join("history.db");
    let mut bytes = fs::read(&file).unwrap();
    // All but the pages that say what tables there are.
    bytes[8 * 4096..].fill(0xA5);
    fs::write(&file, bytes).unwrap();
    let history = reopened(&folder);
    assert!(matches!(history.read(all()).await, Err(Error::Corrupt { .. })));
    assert_eq!(history.read(all()).await, Ok(Vec::new()), "a new one has begun");
    history.record(vec![gauge(0, 1.0)]).await.unwrap();
    assert_eq!(history.read(all()).await.unwrap().len(), 1);
}

#[test]
fn the_database_of_another_program_or_a_newer_one_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    sql(folder.path()).execute_batch("CREATE TABLE other (n INTEGER)").unwrap();
    let error = SqliteHistory::open(folder.path(), HISTORY_SIZE).unwrap_err();
    assert!(matches!(&error, OpenError::Foreign { file } if file.ends_with("history.db")), "{error}");

    let (folder, history) = opened();
    drop(history);
    sql(folder.path()).pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteHistory::open(folder.path(), HISTORY_SIZE).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_error_each_time_and_no_more() {
    let (folder, history) = opened();
    drop(history);
    let gone = folder.path().join("gone");
    let history = SqliteHistory::open(&gone, HISTORY_SIZE).unwrap();
    assert!(matches!(history.record(vec![gauge(0, 1.0)]).await, Err(Error::Unavailable { .. })));
    assert!(history.read(all()).await.is_err());
    fs::create_dir(&gone).unwrap();
    history.record(vec![gauge(0, 1.0)]).await.unwrap();
    assert_eq!(history.read(all()).await.unwrap(), [gauge(0, 1.0)]);
}
