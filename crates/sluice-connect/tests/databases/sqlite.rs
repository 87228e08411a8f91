//! SQLite.

use sluice_core::Span;
use sluice_core::document::metric::MetricKind;

use crate::world::{ORDERS, Question, check_kinds, check_past, check_troubles};

fn shop() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let table = "CREATE TABLE orders (at TEXT, version TEXT, worth NUMERIC, failed INTEGER)";
    connection.execute_batch(&format!("{table}; {ORDERS};")).unwrap();
    let url = format!("sqlite:{}", path.display());
    (folder, url)
}

#[tokio::test]
async fn every_kind_is_read() {
    let (_folder, url) = shop();
    check_kinds(&url).await;
    check_past(&url).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_named_and_nothing_is_changed() {
    let (_folder, url) = shop();
    check_troubles(&url).await;
    check_kinds(&url).await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("none.db").display());
    let why = Question::new(MetricKind::Gauge, &url, "SELECT 1 AS value").why_not().await;
    assert!(why.contains("cannot be opened"), "{why}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_query_without_end_is_given_up() {
    let (_folder, url) = shop();
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS value FROM n";
    let question =
        Question { timeout: Span::from_millis(200), ..Question::new(MetricKind::Gauge, &url, endless) };
    let why = question.why_not().await;
    assert!(why.contains("did not answer within 200ms"), "{why}");
}
