//! From the rows of an answer to what a kind of metric counts.

use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;
use sluice_core::{Span, Timestamp};
use sluice_engine::port::source::Trouble;

use crate::figures;
use crate::web::trouble;

/// A query that gives more rows should count in the database.
pub(super) const ROWS_MAX: usize = 100_000;

/// An answer: the names of its columns, and rows with a number for each column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<f64>>,
}

impl Rows {
    /// Begins an answer.
    ///
    /// # Errors
    /// When the columns are not those that the kind needs.
    pub(super) fn new(kind: MetricKind, columns: Vec<String>) -> Result<Rows, Trouble> {
        // Some databases write names without quotes in capitals.
        let columns: Vec<_> = columns.iter().map(|name| name.to_ascii_lowercase()).collect();
        figures::check_names(kind, "the query's answer", columns.iter().map(String::as_str))?;
        Ok(Rows { columns, rows: Vec::new() })
    }

    /// Adds a row; None is a NULL.
    ///
    /// # Errors
    /// When something in it is NULL, or there are too many rows.
    pub(super) fn push(&mut self, row: Vec<Option<f64>>) -> Result<(), Trouble> {
        if self.rows.len() == ROWS_MAX {
            return Err(trouble(format!(
                "the query gave more than {ROWS_MAX} rows; let the database count, with `value` and `count`, or ask for less"
            )));
        }
        let numbers = row.into_iter().zip(&self.columns).map(|(number, column)| {
            number.ok_or_else(|| {
                trouble(format!("`{column}` is NULL; where that means zero, write coalesce(…, 0)"))
            })
        });
        self.rows.push(numbers.collect::<Result<_, _>>()?);
        Ok(())
    }

    /// What they say of a stretch of time.
    ///
    /// # Errors
    /// When a number makes no sense, or there is more or less than one row where one is needed.
    pub(super) fn amount(
        &self,
        kind: MetricKind,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Amount, Trouble> {
        match kind {
            MetricKind::Ratio => {
                self.one().and_then(|row| figures::trials(self.get(row, "total"), self.get(row, "bad")))
            }
            MetricKind::Rate => {
                let seconds = seconds(until.since(from));
                self.one().and_then(|row| figures::events(self.get(row, "events"), seconds))
            }
            MetricKind::Gauge => self.one().and_then(|row| figures::gauge(self.get(row, "value"))),
            MetricKind::Distribution | MetricKind::Mean if self.rows.is_empty() => Ok(Amount::Nothing),
            MetricKind::Distribution | MetricKind::Mean => {
                let has_count = self.columns.iter().any(|column| column == "count");
                let times = |row| if has_count { self.get(row, "count") } else { 1.0 };
                figures::values(self.rows.iter().map(|row| (self.get(row, "value"), times(row))))
            }
        }
    }

    fn one(&self) -> Result<&[f64], Trouble> {
        match self.rows.as_slice() {
            [row] => Ok(row),
            [] => Err(trouble("the query gave no row, where one is needed")),
            rows => Err(trouble(format!("the query gave {} rows, where one is needed", rows.len()))),
        }
    }

    fn get(&self, row: &[f64], name: &str) -> f64 {
        // The columns were checked, and each row has a number for each.
        self.columns
            .iter()
            .position(|column| column == name)
            .and_then(|at| row.get(at))
            .copied()
            .unwrap_or(f64::NAN)
    }
}

fn seconds(span: Span) -> f64 {
    span.as_duration().as_secs_f64()
}

/// A number that is written as a text.
///
/// # Errors
/// When it is none.
pub(super) fn number(column: &str, text: &str) -> Result<f64, Trouble> {
    text.trim().parse().map_err(|_| trouble(format!("`{column}` is a text that is no number")))
}

/// Why a value is of no use.
pub(super) fn wrong_type(column: &str, found: &str) -> Trouble {
    trouble(format!("`{column}` is of the type {found}, which is no number; cast it in the query"))
}
