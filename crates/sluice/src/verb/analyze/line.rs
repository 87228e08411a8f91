//! What a line of input may be. Reading is strict and fast; what is wrong with a line that is refused is found out by
//! [`super::fault`], which takes its time.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A line of input.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line<'a> {
    /// Starts a stream, and drops the one before.
    #[serde(borrow)]
    Config(Config<'a>),
    /// What was seen since the batch before.
    Batch(Batch),
}

/// What is asked of a stream.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    pub(super) kind: Kind,
    pub(super) alpha: f64,
    pub(super) direction: Option<Direction>,
    pub(super) margin: Option<Margin>,
    pub(super) unit: Option<Unit>,
}

/// What is counted or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// How many of so many.
    Proportion,
    /// Events over an exposure.
    Count,
    /// How long something took.
    Latency,
    /// Who reached which version.
    Allocation,
}

/// Which change of the candidate is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    /// It has more than stable, or takes longer.
    #[default]
    Increase,
    /// It has less than stable, or is done sooner.
    Decrease,
    /// Either.
    Both,
}

/// How far the candidate may be from stable.
#[derive(Clone, Copy, Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Margin {
    /// As a share of what stable has.
    Relative(f64),
    /// As a difference of proportions.
    Absolute(f64),
}

/// What is independent of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    /// Requests.
    #[default]
    Request,
    /// Users, who may have several requests.
    User,
}

/// What was seen of both versions over the same stretch of time.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    pub(super) seq: u64,
    pub(super) weight: f64,
    pub(super) stable: Arm,
    pub(super) candidate: Arm,
}

/// What was seen of one version. Which fields there are depends on the kind of the stream.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arm {
    pub(super) n: Option<Count>,
    pub(super) k: Option<Count>,
    pub(super) units: Option<Count>,
    pub(super) unit_k: Option<Count>,
    pub(super) events: Option<Count>,
    pub(super) exposure: Option<f64>,
    pub(super) values: Option<Vec<f64>>,
}

/// A number of things. Programs that know only one kind of number write `10.0`, which is as good as `10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl Count {
    /// The largest count: every whole number up to it is exact in every program.
    pub(super) const MAX: u64 = 1 << 53;
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Count, D::Error> {
        struct AnyNumber;

        impl Visitor<'_> for AnyNumber {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Count, E> {
                if value <= Count::MAX { Ok(Count(value)) } else { Err(E::custom("too large")) }
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Count, E> {
                let is_whole = value.fract() == 0.0 && (0.0..=Count::MAX as f64).contains(&value);
                if is_whole { Ok(Count(value as u64)) } else { Err(E::custom("not a whole number")) }
            }
        }

        deserializer.deserialize_u64(AnyNumber)
    }
}
