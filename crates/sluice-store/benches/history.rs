//! What history takes on disk, and what keeping it costs.
//!
//! `cargo bench -p sluice-store --bench history`. The folder is made where temporary files go; set `TMPDIR` to measure
//! another disk.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints figures")]

use std::path::Path;
use std::time::Instant;

use rusqlite::Connection;
use sluice_core::{Counts, ServiceKey, Span, Timestamp};
use sluice_engine::port::History as _;
use sluice_engine::port::history::{HistoryQuery, Measured, Sample, Series, What};
use sluice_store::{HISTORY_SIZE, SqliteHistory};

/// A whole hour.
const START: Timestamp = Timestamp::from_millis(1_795_424_400_000);
const HOUR: u64 = 3600;
/// As the engine hands them over.
const FLUSH_EVERY: u64 = 10;

fn main() {
    // `cargo test --benches` runs it too, to see that it works.
    let is_bench = std::env::args().any(|arg| arg == "--bench");
    let (versions, seconds) = if is_bench { (8, HOUR) } else { (2, 60) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    println!("{versions} versions, {seconds} s; kB are 1000 bytes, of the whole file");
    println!(
        "| requests/s | kB per series-hour by the second | by the minute | by ten minutes | record, µs per sample | read an hour, ms |"
    );
    println!("|---|---|---|---|---|---|");
    for rate in [0, 1, 20, 1000] {
        runtime.block_on(measure(rate, versions, seconds));
    }
}

async fn measure(rate: u64, versions: u64, seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let history = SqliteHistory::open(folder.path(), HISTORY_SIZE).unwrap();
    let empty = bytes(folder.path());
    let mut random = Random(rate + 1);
    let mut recording = std::time::Duration::ZERO;
    let mut count = 0;
    for first in (0..seconds).step_by(FLUSH_EVERY as usize) {
        let samples: Vec<Sample> = (first..first + FLUSH_EVERY)
            .flat_map(|second| (0..versions).map(move |version| (second, version)))
            .filter_map(|(second, version)| sample(second, version, rate, &mut random))
            .collect();
        count += samples.len();
        let began = Instant::now();
        history.record(samples).await.unwrap();
        recording += began.elapsed();
    }
    let series_hours = versions as f64 * seconds as f64 / HOUR as f64;
    let kilobytes = || (bytes(folder.path()) - empty) as f64 / 1000.0 / series_hours;
    let by_second = kilobytes();
    let began = Instant::now();
    let query = HistoryQuery {
        service: service(),
        version: Some("0".parse().unwrap()),
        what: None,
        from: START,
        until: START.after(Span::from_secs(HOUR)),
        step: Span::from_secs(1),
    };
    drop(history.read(query).await.unwrap());
    let reading = began.elapsed().as_secs_f64() * 1000.0;
    history.tidy(START.after(Span::from_secs(24 * HOUR))).await.unwrap();
    let by_minute = kilobytes();
    history.tidy(START.after(Span::from_secs(72 * HOUR))).await.unwrap();
    let by_ten_minutes = kilobytes();
    let each = recording.as_secs_f64() * 1e6 / count.max(1) as f64;
    println!("| {rate} | {by_second:.1} | {by_minute:.1} | {by_ten_minutes:.2} | {each:.1} | {reading:.1} |");
}

/// What the database holds, whole pages with their indices; those that are free again do not count.
fn bytes(folder: &Path) -> u64 {
    let connection = Connection::open(folder.join("history.db")).unwrap();
    let number =
        |what: &str| -> u64 { connection.query_row(what, [], |row| row.get::<_, i64>(0)).unwrap() as u64 };
    (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * 4096
}

fn service() -> ServiceKey {
    ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() }
}

/// A second of a version; none without requests. Times are log-normal with a median of 40 ms, 1 % fails.
fn sample(second: u64, version: u64, rate: u64, random: &mut Random) -> Option<Sample> {
    let mut counts = Counts { requests: rate, ..Counts::default() };
    for _ in 0..rate {
        let class = if random.unit() < 0.01 { 4 } else { 1 };
        counts.responses[class] += 1;
        let normal: f64 = (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        counts.latency.record((40_000.0 * (normal * 0.6).exp()) as u64);
    }
    let version = Some(version.to_string().parse().unwrap());
    (rate > 0).then(|| Sample {
        series: Series { service: service(), version, what: What::Traffic },
        at: START.after(Span::from_secs(second)),
        span: Span::from_secs(1),
        measured: Measured::Counts(counts.into()),
    })
}

/// SplitMix64: the same figures in every run.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
