//! What was measured, kept for weeks: for charts, explanations, rehearsals and what is normal.

mod coarse;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_core::release::Amount;
use sluice_core::{Counts, Name, ServiceKey, Span, Timestamp, VersionName};

use super::store::Error;

pub use coarse::{KEPT, MINUTE, MINUTES_KEPT, SECONDS_KEPT, TEN_MINUTES, add_up, floor};

/// Keeps what was measured, the newest by the second and older by the minute and more, within a size.
#[async_trait]
pub trait History: Send + Sync + 'static {
    /// Adds what was measured. What was added for the same series and time before is added to.
    async fn record(&self, samples: Vec<Sample>) -> Result<(), Error>;

    /// What was measured of matching series, oldest first; as fine as it is still known, and never finer than asked.
    async fn read(&self, query: HistoryQuery) -> Result<Vec<Sample>, Error>;

    /// Notes how a release stood.
    async fn note(&self, note: Note) -> Result<(), Error>;

    /// How a release stood last at or before a time.
    async fn noted(&self, release: &Name, at: Timestamp) -> Result<Option<Note>, Error>;

    /// Makes what is old coarser and forgets what is too old or too much.
    async fn tidy(&self, now: Timestamp) -> Result<(), Error>;
}

/// What a sample is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Series {
    /// The service.
    pub service: ServiceKey,
    /// The version; none for all of them together.
    pub version: Option<VersionName>,
    /// What was measured.
    pub what: What,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum What {
    /// All that the gateway counted.
    Traffic,
    /// What the gateway counted of requests to one path.
    Path(String),
    /// A metric that others measure.
    Metric(Name),
}

/// What was measured of a series over one stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Of what.
    pub series: Series,
    /// When the stretch began.
    pub at: Timestamp,
    /// How long it was.
    pub span: Span,
    /// What it gave.
    pub measured: Measured,
}

/// What a sample gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Measured {
    /// The gateway's counts.
    Counts(Box<Counts>),
    /// What others measured.
    Amount(Amount),
}

/// Which samples to read.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryQuery {
    /// Of which service.
    pub service: ServiceKey,
    /// Of which version; all when absent.
    pub version: Option<VersionName>,
    /// Of what; all when absent.
    pub what: Option<What>,
    /// From when on.
    pub from: Timestamp,
    /// Until before when.
    pub until: Timestamp,
    /// How long a stretch is at least: finer samples are added up.
    pub step: Span,
}

/// How a release stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    /// The release.
    pub release: Name,
    /// When.
    pub at: Timestamp,
    /// How it stood, as JSON.
    pub account: Value,
}

/// Keeps nothing.
pub struct NoHistory;

#[async_trait]
impl History for NoHistory {
    async fn record(&self, _: Vec<Sample>) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&self, _: HistoryQuery) -> Result<Vec<Sample>, Error> {
        Ok(Vec::new())
    }

    async fn note(&self, _: Note) -> Result<(), Error> {
        Ok(())
    }

    async fn noted(&self, _: &Name, _: Timestamp) -> Result<Option<Note>, Error> {
        Ok(None)
    }

    async fn tidy(&self, _: Timestamp) -> Result<(), Error> {
        Ok(())
    }
}
