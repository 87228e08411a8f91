//! What the HTTP API of Prometheus answers, parsed. Whatever comes in, nothing here panics.

use std::collections::BTreeMap;

use serde::Deserialize;
use sluice_engine::port::source::Trouble;

use crate::web::{said, trouble};

/// The labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// An answer of `query` or `query_range`.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    /// VictoriaMetrics says so when one of its storages did not answer.
    #[serde(default, rename = "isPartial")]
    is_partial: bool,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Matrix(Vec<Series>),
    Vector(Vec<Instant>),
    Scalar(Sample),
    String(serde::de::IgnoredAny),
}

/// A series with its samples, oldest first.
#[derive(Debug, Deserialize)]
pub(crate) struct Series {
    /// Its labels, `__name__` among them.
    pub(crate) metric: Labels,
    /// Numbers.
    #[serde(default)]
    pub(crate) values: Vec<Sample>,
    /// Native histograms.
    #[serde(default)]
    pub(crate) histograms: Vec<(f64, Native)>,
}

#[derive(Debug, Deserialize)]
struct Instant {
    metric: Labels,
    #[serde(default)]
    value: Option<Sample>,
}

/// A time in seconds, and a number as text: `NaN` and `+Inf` have no other form in JSON.
#[derive(Debug, Deserialize)]
pub(crate) struct Sample(f64, Option<String>);

/// A native histogram: how many values there were, in which buckets.
#[derive(Debug, Deserialize)]
pub(crate) struct Native {
    count: String,
    #[serde(default)]
    buckets: Vec<(u8, String, String, String)>,
}

impl Sample {
    /// In milliseconds since 1970.
    pub(crate) fn millis(&self) -> i64 {
        millis(self.0)
    }

    /// The number; none where there is none: VictoriaMetrics marks the end of a series by `NaN`.
    ///
    /// # Errors
    /// When the text is none.
    pub(crate) fn number(&self) -> Result<Option<f64>, Trouble> {
        Ok(self.1.as_deref().map(number).transpose()?.filter(|number| !number.is_nan()))
    }
}

/// From seconds; what no clock can show becomes the nearest that can.
pub(crate) fn millis(secs: f64) -> i64 {
    // Some ten thousand years, so that times can be subtracted from each other.
    (secs * 1000.0).round().clamp(-3e14, 3e14) as i64
}

impl Native {
    /// How many values there were in all.
    ///
    /// # Errors
    /// When the text is no number.
    pub(crate) fn count(&self) -> Result<f64, Trouble> {
        number(&self.count)
    }

    /// Its buckets: from where, to where, how many.
    ///
    /// # Errors
    /// When a text is no number.
    pub(crate) fn buckets(&self) -> Result<Vec<(f64, f64, f64)>, Trouble> {
        let read = |(_, left, right, count): &(u8, String, String, String)| {
            Ok((number(left)?, number(right)?, number(count)?))
        };
        self.buckets.iter().map(read).collect()
    }
}

/// A number as Prometheus writes it.
///
/// # Errors
/// When it is none.
pub(crate) fn number(text: &str) -> Result<f64, Trouble> {
    text.parse().map_err(|_| trouble(format!("it answered `{}` where a number should be", said(text))))
}

impl Answer {
    fn into_data(self) -> Result<Data, Trouble> {
        if self.status != "success" {
            let error = self.error.as_deref().map(said).unwrap_or_default();
            return Err(trouble(format!("it could not answer: {error}")));
        }
        if self.is_partial {
            return Err(trouble("it answered in part only: some of its storages are away"));
        }
        if let Some(warning) = self.warnings.first() {
            return Err(trouble(format!(
                "it answered with a warning, so that data may be missing: {}",
                said(warning)
            )));
        }
        self.data.ok_or_else(|| trouble("it answered success without data"))
    }

    /// The series of a range.
    ///
    /// # Errors
    /// When it failed, is not whole, or is something else.
    pub(crate) fn into_series(self) -> Result<Vec<Series>, Trouble> {
        match self.into_data()? {
            Data::Matrix(series) => Ok(series),
            _ => Err(trouble("it answered something else than series")),
        }
    }

    /// The labels of the series that a query finds.
    ///
    /// # Errors
    /// When it failed, is not whole, or is something else.
    pub(crate) fn into_labels(self) -> Result<Vec<Labels>, Trouble> {
        match self.into_data()? {
            Data::Vector(found) => Ok(found.into_iter().map(|instant| instant.metric).collect()),
            _ => Err(trouble("it answered something else than series")),
        }
    }

    /// The one number of a query.
    ///
    /// # Errors
    /// When there is none, there are many, or it is not finite; says how to mend it.
    pub(crate) fn into_number(self) -> Result<f64, Trouble> {
        let sample = match self.into_data()? {
            Data::Scalar(sample) => sample,
            Data::Vector(mut found) => match (found.len(), found.pop()) {
                (1, Some(Instant { value: Some(sample), .. })) => sample,
                (1, Some(_)) => {
                    return Err(trouble(
                        "the query gives a histogram and must give one number; put a function such as histogram_quantile() around it",
                    ));
                }
                (0, _) | (_, None) => {
                    return Err(trouble(
                        "the query finds no series and must give one number; look at the names and labels in it",
                    ));
                }
                (many, Some(last)) => {
                    return Err(trouble(format!(
                        "the query gives {many} series, one of them {}, and must give one number; put sum() or max() around it",
                        show(&last.metric)
                    )));
                }
            },
            Data::Matrix(_) => {
                return Err(trouble(
                    "the query gives a range and must give one number; put a function such as rate() around it",
                ));
            }
            Data::String(_) => return Err(trouble("the query gives a text and must give one number")),
        };
        let value = sample.number()?.unwrap_or(f64::NAN);
        if value.is_finite() {
            return Ok(value);
        }
        let why = if value.is_nan() {
            "a division of zero by zero, or nothing was measured"
        } else {
            "a division by zero"
        };
        Err(trouble(format!("the query gives {value}, not a number: {why}")))
    }
}

/// As in PromQL, without the name.
pub(crate) fn show(labels: &Labels) -> String {
    let pairs = labels.iter().filter(|(label, _)| *label != "__name__");
    said(&format!(
        "{{{}}}",
        pairs.map(|(label, value)| format!("{label}=\"{value}\"")).collect::<Vec<_>>().join(", ")
    ))
}
