//! Recordings from tables of comma-separated values.
//!
//! One row for each stretch of time, oldest first, and a line of column names before them:
//!
//! | column | meaning |
//! |---|---|
//! | `time` | when the stretch began: RFC 3339, or seconds since 1970 |
//! | `version` | optional: which version; rows of one time are added up |
//! | `requests` | how many requests |
//! | `failed` | how many of them failed |
//! | `cancelled` | optional: how many of them the visitor broke off |
//! | `visitors` | optional: how many different visitors came |
//! | `p50`, `p95`, `p99` … | optional: quantiles of latency in milliseconds |
//! | `le_100`, `le_250` … | optional, instead: how many requests took at most so many milliseconds |
//! | `metric.NAME.value` | optional: a gauge that others measure |
//! | `metric.NAME.events` | optional: how often something happened, for a rate |
//! | `metric.NAME.total`, `metric.NAME.bad` | optional: for a ratio |
//!
//! A stretch lasts until the next one begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};
use sluice_core::{Name, Span, Timestamp};

use super::{Point, Recording, RecordingError, Stretch};
use crate::rehearsal::shape::Shape;

/// How long a stretch is when there is only one.
const ALONE: Span = Span::from_secs(60);
const KNOWN: [&str; 6] = ["time", "version", "requests", "failed", "cancelled", "visitors"];

/// What is wrong with a table, and in which line (the names are in line 1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct CsvError {
    /// The line.
    pub line: usize,
    /// What is wrong.
    pub problem: CsvProblem,
}

/// What is wrong with a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvProblem {
    /// There are no lines.
    #[error(
        "there is no line of column names; the first line must be like `time,requests,failed,p50,p95,p99`"
    )]
    NoHeader,
    /// A column is missing.
    #[error("there is no column `{0}`")]
    Missing(&'static str),
    /// A column is not known.
    #[error("there is no such column as `{given}`{}", hint.as_ref().map_or_else(String::new, |hint| format!("; did you mean `{hint}`?")))]
    Unknown {
        /// As it is written.
        given: String,
        /// One that looks like it.
        hint: Option<String>,
    },
    /// A column is there twice.
    #[error("the column `{0}` is there twice")]
    Twice(String),
    /// A row is too short or too long.
    #[error("{given} values, but {wanted} columns")]
    Values {
        /// How many values there are.
        given: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// A value is no number that makes sense.
    #[error("`{column}` is `{given}`, which is not {wanted}")]
    Value {
        /// Of which column.
        column: String,
        /// As it is written.
        given: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// More requests failed than there were.
    #[error("{failed} requests failed and {cancelled} were cancelled, but there were {requests} in all")]
    MoreThanAll {
        /// Requests.
        requests: u64,
        /// Failed ones.
        failed: u64,
        /// Cancelled ones.
        cancelled: u64,
    },
    /// Time goes back.
    #[error("the time {at} is before that of the line above, {before}; rows must be oldest first")]
    TimeGoesBack {
        /// The time in this line.
        at: Timestamp,
        /// The time in the line before.
        before: Timestamp,
    },
    /// A version has two rows for one time.
    #[error("the time {0} is there twice; without a column `version`, each time may have one row")]
    TimeTwice(Timestamp),
    /// Quantiles or buckets that contradict each other.
    #[error("{0}")]
    Latency(&'static str),
    /// Nothing in it can be rehearsed with.
    #[error("{0}")]
    Recording(RecordingError),
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    Time,
    Version,
    Requests,
    Failed,
    Cancelled,
    Visitors,
    /// A quantile, as a fraction.
    Quantile(f64),
    /// Up to how many milliseconds.
    AtMost(f64),
    Metric(Name, Part),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Value,
    Events,
    Total,
    Bad,
}

/// What was read of one time.
#[derive(Default)]
struct Row {
    line: usize,
    requests: u64,
    failed: u64,
    cancelled: u64,
    visitors: u64,
    latency: Option<Shape>,
    metrics: BTreeMap<Name, BTreeMap<Part, f64>>,
}

impl Recording {
    /// From a table of comma-separated values.
    ///
    /// # Errors
    /// [`CsvError`] with the line in which something is wrong.
    pub fn from_csv(text: &str) -> Result<Recording, CsvError> {
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let header = lines.next().filter(|(_, line)| !line.trim().is_empty());
        let (_, header) = header.ok_or(at(1, CsvProblem::NoHeader))?;
        let names: Vec<String> = values(header.trim_start_matches('\u{feff}'));
        let columns = columns(&names)?;
        let mut rows: BTreeMap<Timestamp, Row> = BTreeMap::new();
        let mut before: Option<Timestamp> = None;
        for (line, text) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let given = values(text);
            if given.len() != columns.len() {
                let problem = CsvProblem::Values { given: given.len(), wanted: columns.len() };
                return Err(at(line, problem));
            }
            let (time, row) = read(line, &columns, &names, &given).map_err(|problem| at(line, problem))?;
            if let Some(before) = before.filter(|before| time < *before) {
                return Err(at(line, CsvProblem::TimeGoesBack { at: time, before }));
            }
            if before == Some(time) && !columns.contains(&Column::Version) {
                return Err(at(line, CsvProblem::TimeTwice(time)));
            }
            before = Some(time);
            rows.entry(time).or_default().add(row);
        }
        recording(rows)
    }
}

fn at(line: usize, problem: CsvProblem) -> CsvError {
    CsvError { line, problem }
}

/// The values of a line; in quotes, a comma is no border.
fn values(line: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut is_quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => values.push(String::new()),
            letter => values.last_mut().expect("there is one from the start").push(letter),
        }
    }
    values.into_iter().map(|value| value.trim().to_owned()).collect()
}

fn columns(names: &[String]) -> Result<Vec<Column>, CsvError> {
    let mut columns = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(at(1, CsvProblem::Twice(name.clone())));
        }
        columns.push(column(name).ok_or_else(|| {
            let similar = KNOWN.iter().chain(&["p50", "p95", "p99"]);
            let hint = similar
                .map(|known| (strsim::damerau_levenshtein(&name.to_lowercase(), known), known))
                .min()
                .filter(|(distance, _)| *distance <= 2)
                .map(|(_, known)| (*known).to_owned());
            at(1, CsvProblem::Unknown { given: name.clone(), hint })
        })?);
    }
    for (column, name) in [(Column::Time, "time"), (Column::Requests, "requests"), (Column::Failed, "failed")]
    {
        if !columns.contains(&column) {
            return Err(at(1, CsvProblem::Missing(name)));
        }
    }
    Ok(columns)
}

fn column(name: &str) -> Option<Column> {
    let known = match name {
        "time" => Column::Time,
        "version" => Column::Version,
        "requests" => Column::Requests,
        "failed" => Column::Failed,
        "cancelled" => Column::Cancelled,
        "visitors" => Column::Visitors,
        _ if name.starts_with("metric.") => {
            let (metric, part) = name["metric.".len()..].rsplit_once('.')?;
            let part = match part {
                "value" => Part::Value,
                "events" => Part::Events,
                "total" => Part::Total,
                "bad" => Part::Bad,
                _ => return None,
            };
            Column::Metric(metric.parse().ok()?, part)
        }
        _ if name.starts_with("le_") => {
            Column::AtMost(name["le_".len()..].parse().ok().filter(|ms: &f64| ms.is_finite() && *ms > 0.0)?)
        }
        _ => {
            let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
            Column::Quantile(Some(percent / 100.0).filter(|q| *q > 0.0 && *q < 1.0)?)
        }
    };
    Some(known)
}

fn read(
    line: usize,
    columns: &[Column],
    names: &[String],
    given: &[String],
) -> Result<(Timestamp, Row), CsvProblem> {
    let mut row = Row { line, ..Row::default() };
    let mut time = Timestamp::default();
    let (mut quantiles, mut buckets) = (Vec::new(), Vec::new());
    for ((column, name), text) in columns.iter().zip(names).zip(given) {
        let wrong = |wanted| CsvProblem::Value { column: name.clone(), given: text.clone(), wanted };
        let count = || whole(text).ok_or_else(|| wrong("a whole number of at least 0"));
        let number = || {
            let number: Option<f64> = text.parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| wrong("a number"))
        };
        match column {
            Column::Time => time = moment(text).ok_or_else(|| wrong("a time"))?,
            Column::Version => {}
            Column::Requests => row.requests = count()?,
            Column::Failed => row.failed = count()?,
            Column::Cancelled => row.cancelled = count()?,
            Column::Visitors => row.visitors = count()?,
            Column::Quantile(_) if text.is_empty() => {}
            Column::Quantile(q) => {
                let millis = number()?;
                quantiles.push((*q, if millis > 0.0 { millis } else { Err(wrong("above 0"))? }));
            }
            Column::AtMost(millis) => buckets.push((*millis, count()?)),
            Column::Metric(..) if text.is_empty() => {}
            Column::Metric(metric, part) => {
                let value = match part {
                    Part::Value => number()?,
                    _ => count()? as f64,
                };
                row.metrics.entry(metric.clone()).or_default().insert(*part, value);
            }
        }
    }
    let Row { requests, failed, cancelled, .. } = row;
    if failed.saturating_add(cancelled) > requests {
        return Err(CsvProblem::MoreThanAll { requests, failed, cancelled });
    }
    row.latency = match (quantiles.is_empty(), buckets.is_empty()) {
        (true, true) => None,
        (false, true) => Some(of_quantiles(quantiles)?),
        (true, false) => of_buckets(buckets)?,
        (false, false) => return Err(CsvProblem::Latency("give quantiles or buckets, not both")),
    };
    Ok((time, row))
}

fn whole(text: &str) -> Option<u64> {
    // Others export counts as `12.0`.
    let number: f64 = text.parse().ok()?;
    (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as u64)
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let seconds: f64 = text.parse().ok()?;
        (seconds > 0.0 && seconds < 1e11).then(|| Timestamp::from_millis((seconds * 1000.0) as i64))
    })
}

fn of_quantiles(mut quantiles: Vec<(f64, f64)>) -> Result<Shape, CsvProblem> {
    quantiles.sort_by(|a, b| a.0.total_cmp(&b.0));
    Shape::with_quantiles(&quantiles)
        .ok_or(CsvProblem::Latency("a higher quantile is lower than a lower one"))
}

fn of_buckets(mut buckets: Vec<(f64, u64)>) -> Result<Option<Shape>, CsvProblem> {
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut histogram = Histogram::default();
    let (mut low, mut before) = (0.0, 0);
    for (high, through) in buckets {
        let here = through
            .checked_sub(before)
            .ok_or(CsvProblem::Latency("a bucket holds fewer requests than a shorter one"))?;
        // Requests of a wide bucket are spread over it, as far as that many of them show it.
        let pieces = here.clamp(1, 32);
        for piece in 0..pieces {
            let millis = low + (high - low) * (piece as f64 + 0.5) / pieces as f64;
            let share = here / pieces + u64::from(piece < here % pieces);
            histogram.add(Histogram::bucket_of((millis * 1000.0) as u64), share);
        }
        (low, before) = (high, through);
    }
    Ok(Shape::of(&histogram))
}

impl Row {
    fn add(&mut self, other: Row) {
        self.line = other.line;
        self.requests += other.requests;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.visitors += other.visitors;
        // Quantiles of two versions cannot be added up; those of the version with more rows are as good as any.
        self.latency = self.latency.take().or(other.latency);
        for (name, parts) in other.metrics {
            let mine = self.metrics.entry(name).or_default();
            for (part, value) in parts {
                let sum = mine.entry(part).or_default();
                *sum = if part == Part::Value { value } else { *sum + value };
            }
        }
    }
}

fn recording(rows: BTreeMap<Timestamp, Row>) -> Result<Recording, CsvError> {
    let times: Vec<Timestamp> = rows.keys().copied().collect();
    let mut gaps: Vec<Span> = times.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(ALONE);
    let last = rows.values().last().map_or(1, |row| row.line);
    let mut stretches = Vec::new();
    let mut series: BTreeMap<Name, Vec<Point>> = BTreeMap::new();
    let mut known = rows.values().find_map(|row| row.latency.clone()).map(Arc::new);
    if known.is_none() {
        known = Shape::with_quantiles(&[(0.5, 100.0)]).map(Arc::new);
    }
    let mut visitors = 0;
    for (index, (at, row)) in rows.into_iter().enumerate() {
        // Where rows are missing, nothing was measured.
        let until_next = times.get(index + 1).map_or(usual, |next| next.since(at));
        let span = if until_next.as_millis() > usual.as_millis() * 3 / 2 { usual } else { until_next };
        known = row.latency.map(Arc::new).or(known);
        for (name, parts) in row.metrics {
            if let Some(amount) = amount(&parts, span) {
                series.entry(name).or_default().push(Point { at, span, amount });
            }
        }
        visitors = visitors.max(row.visitors);
        let Some(latency) = known.clone() else { continue };
        let Row { requests, failed, cancelled, .. } = row;
        stretches.push(Stretch { at, span, requests, failed, cancelled, latency });
    }
    let mut recording =
        Recording::new(stretches).map_err(|error| self::at(last, CsvProblem::Recording(error)))?;
    recording.series = series;
    if visitors > 0 {
        recording.visitors = visitors.clamp(10, 20_000);
    }
    Ok(recording)
}

fn amount(parts: &BTreeMap<Part, f64>, span: Span) -> Option<Amount> {
    let part = |part: Part| parts.get(&part).copied();
    if let Some(value) = part(Part::Value) {
        return Some(Amount::Gauge(value));
    }
    if let Some(events) = part(Part::Events) {
        let seconds = span.as_millis() as f64 / 1000.0;
        return Some(Amount::Events { events: events as u64, seconds });
    }
    let (total, bad) = (part(Part::Total)?, part(Part::Bad).unwrap_or(0.0));
    Some(Amount::Trials(Trials::new(total as u64, bad as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_quantiles_and_metrics() {
        let table = "time,version,requests,failed,p50,p99,metric.orders.total,metric.orders.bad\n\
                     2026-11-20T10:00:00Z,1,100,2,80,700,40,3\n\
                     2026-11-20T10:00:00Z,2,10,1,,,,\n\
                     2026-11-20T10:01:00Z,1,120,0,90,800,44,2\n";
        let recording = Recording::from_csv(table).unwrap();
        let of = |second| recording.at(second).map(|s| (s.requests, s.failed, s.span));
        assert_eq!(of(59), Some((110, 3, Span::from_secs(60))));
        assert_eq!(of(60), Some((120, 0, Span::from_secs(60))));
        let orders: Name = "orders".parse().unwrap();
        let point = recording.point(&orders, 61).unwrap();
        assert_eq!(point.amount, Amount::Trials(Trials::new(44, 2)));
    }

    #[test]
    fn what_is_wrong_with_a_table_is_said_with_its_line() {
        let said = |table: &str| Recording::from_csv(table).unwrap_err().to_string();
        let with = |row: &str| said(&format!("time,requests,failed,p50,p95\n1700000000,10,0,5,9\n{row}\n"));
        for (found, wanted) in [
            (said(""), "line 1: there is no line of column names"),
            (said("time,requests\n"), "line 1: there is no column `failed`"),
            (
                said("time,reqests,failed\n"),
                "line 1: there is no such column as `reqests`; did you mean `requests`?",
            ),
            (said("time,requests,failed,time\n"), "line 1: the column `time` is there twice"),
            (said("time,requests,failed\n"), "line 1: the recording holds no requests"),
            (with("1700000060,NaN,0,5,9"), "line 3: `requests` is `NaN`, which is not a whole number"),
            (with("1700000060,-4,0,5,9"), "line 3: `requests` is `-4`, which is not"),
            (with("1700000060,10,11,5,9"), "line 3: 11 requests failed"),
            (with("1699999999,10,0,5,9"), "line 3: the time 2023-11-14T22:13:19.000Z is before"),
            (with("1700000000,10,0,5,9"), "line 3: the time 2023-11-14T22:13:20.000Z is there twice"),
            (with("1700000060,10,0,5"), "line 3: 4 values, but 5 columns"),
            (with("1700000060,10,0,9,5"), "line 3: a higher quantile is lower"),
            (with("1700000060,10,0,NaN,5"), "line 3: `p50` is `NaN`, which is not a number"),
            (with("yesterday,10,0,5,9"), "line 3: `time` is `yesterday`, which is not a time"),
        ] {
            assert!(found.starts_with(wanted), "`{found}` does not begin with `{wanted}`");
        }
    }

    #[test]
    fn buckets_give_the_shape_of_latencies() {
        let table = "time,requests,failed,le_100,le_200,le_400\n1700000000,100,0,50,95,100\n";
        let recording = Recording::from_csv(table).unwrap();
        let mut drawn = Histogram::default();
        let mut random = crate::Random::from_seed(1);
        recording.at(0).unwrap().latency.draw(&mut random, 20_000, &mut drawn, |_, micros| micros);
        let p50 = drawn.quantile(0.5).unwrap() as f64 / 1000.0;
        assert!((90.0..110.0).contains(&p50), "{p50}");
        let less = "time,requests,failed,le_100,le_200\n1700000000,100,0,50,49\n";
        assert!(
            Recording::from_csv(less).unwrap_err().to_string().contains("fewer requests than a shorter one")
        );
    }
}
