//! Metrics that others measure.

use async_trait::async_trait;
use sluice_core::document::metric::{MetricKind, MetricSource, ReadSpec, Worse};
use sluice_core::release::{Amount, Taken};
use sluice_core::{Name, ServiceKey, Span, Timestamp, VersionName};

/// Opens outside sources of metrics.
pub trait Sources: Send + Sync + 'static {
    /// Prepares to read what a metric says of a service. Nothing is asked yet.
    ///
    /// # Errors
    /// When it cannot be asked as it is written: a secret is missing, an address makes no sense.
    fn open(&self, ask: Ask) -> Result<Box<dyn Source>, Trouble>;
}

/// What is to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The metric's name, for messages.
    pub metric: Name,
    /// What kind of number it is: which [`Amount`] is wanted.
    pub kind: MetricKind,
    /// The unit of the metric.
    pub unit: Option<String>,
    /// Which direction is worse: of a ratio of which less is worse, `bad` counts the good ones.
    pub worse: Worse,
    /// Where it comes from; never the gateway.
    pub source: MetricSource,
    /// How it is read.
    pub read: ReadSpec,
    /// The service that is watched.
    pub service: ServiceKey,
    /// Of which of its versions.
    pub versions: Versions,
}

/// Of which versions something is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Versions {
    /// Of these two, each on its own.
    Two {
        /// The one that most people have.
        stable: VersionName,
        /// The one that is released.
        candidate: VersionName,
    },
    /// Of all together; they are given as the candidate's.
    All,
}

/// A source that is being read. Remembers what it needs to tell what is new.
#[async_trait]
pub trait Source: Send {
    /// What was measured from `from` until `until`. Stretches join: `from` is the `until` of the last call that
    /// succeeded. A source that counts from its start gives nothing the first time, and what was counted since the last
    /// successful call afterwards. What it gives is final.
    ///
    /// # Errors
    /// [`Trouble`] when it does not answer, not in time, in part, with many series or none where one is needed, or
    /// with what makes no sense. Missing data is never zero.
    ///
    /// # Cancel safety
    /// When dropped, the stretch may be lost, and is not given twice.
    async fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Taken, Trouble>;

    /// What was measured before, in blocks of length `block` from `from` on, as far as the source still knows; blocks
    /// of which it knows nothing are [`Amount::Nothing`]. Empty where a source has no past.
    async fn past(&mut self, from: Timestamp, until: Timestamp, block: Span) -> Result<Vec<Amount>, Trouble> {
        let _ = (from, until, block);
        Ok(Vec::new())
    }
}

/// Why a source gives nothing now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Trouble {
    /// What went wrong, in plain words, and how to mend it where that is known.
    pub why: String,
    /// How long the source wants to be left alone, as where it limits how often one asks.
    pub retry_after: Option<Span>,
}

/// No outside source at all: every check that asks for one is inconclusive and says so.
pub struct NoSources;

impl Sources for NoSources {
    fn open(&self, ask: Ask) -> Result<Box<dyn Source>, Trouble> {
        let why = format!("{} comes from elsewhere, and no outside source is connected here", ask.metric);
        Err(Trouble { why, retry_after: None })
    }
}
