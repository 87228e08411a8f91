//! One stream of points: what one instrument of one sender says for one set of attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_core::Timestamp;

use super::explicit::Explicit;
use super::exponential::Exponential;
use super::refused::Refused;

/// Names of attributes and their values as texts.
pub(crate) type Attributes = BTreeMap<String, String>;

/// A point, checked as far as it can be without those before it.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) attributes: Attributes,
    /// Since when it counts, in nanoseconds since 1970; 0 where the sender does not say.
    pub(crate) start: u64,
    pub(crate) time: u64,
    pub(crate) temporality: Temporality,
    pub(crate) value: Value,
}

/// How the values of points that follow each other belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporality {
    /// Each says what came since the one before.
    Delta,
    /// Each says what came since the start.
    Cumulative,
    /// Each says how it is now.
    Latest,
}

/// What a point says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Something that is only ever added to.
    Sum(f64),
    /// Something that goes up and down, and whether that of several senders can be added up.
    Level {
        value: f64,
        is_additive: bool,
    },
    Explicit(Explicit),
    Exponential(Exponential),
}

impl Value {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Sum(_) => "sum",
            Value::Level { is_additive: false, .. } => "gauge",
            Value::Level { is_additive: true, .. } => "sum that goes up and down",
            Value::Explicit(_) => "histogram",
            Value::Exponential(_) => "exponential histogram",
        }
    }

    /// Adds a later value of the same kind; a level is replaced. `false`, and nothing is changed, where they do not
    /// fit.
    pub(crate) fn add(&mut self, later: &Value) -> bool {
        match (self, later) {
            (Value::Sum(mine), Value::Sum(theirs)) => *mine += theirs,
            (Value::Level { value: mine, .. }, Value::Level { value: theirs, .. }) => *mine = *theirs,
            (Value::Explicit(mine), Value::Explicit(theirs)) if mine.bounds == theirs.bounds => {
                mine.merge(theirs)
            }
            (Value::Exponential(mine), Value::Exponential(theirs)) => mine.merge(theirs),
            _ => return false,
        }
        true
    }

    /// What this has and `earlier` had not. `None` where it became less.
    pub(crate) fn since(&self, earlier: &Value) -> Option<Value> {
        match (self, earlier) {
            (Value::Sum(now), Value::Sum(before)) => (now >= before).then(|| Value::Sum(now - before)),
            (Value::Level { .. }, Value::Level { .. }) => Some(self.clone()),
            (Value::Explicit(now), Value::Explicit(before)) => now.since(before).map(Value::Explicit),
            (Value::Exponential(now), Value::Exponential(before)) => {
                now.since(before).map(Value::Exponential)
            }
            _ => None,
        }
    }

    /// The same kind of value, with nothing in it.
    fn emptied(&self) -> Value {
        match self {
            Value::Sum(_) => Value::Sum(0.0),
            level @ Value::Level { .. } => level.clone(),
            Value::Explicit(explicit) => Value::Explicit(Explicit {
                bounds: Arc::clone(&explicit.bounds),
                counts: vec![0; explicit.counts.len()],
            }),
            Value::Exponential(_) => Value::Exponential(Exponential::default()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Value::Sum(_) | Value::Level { .. } => 0,
            Value::Explicit(explicit) => 16 * explicit.counts.len(),
            Value::Exponential(exponential) => 24 * exponential.len(),
        }
    }
}

/// What was counted of a stream since it was first seen.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// No two streams ever have the same.
    pub(crate) number: u64,
    /// Rises when what was counted before does not belong to what is counted now.
    pub(crate) generation: u32,
    pub(crate) attributes: Attributes,
    /// Since when what it holds was counted.
    pub(crate) begun: u64,
    /// The time of its last point.
    pub(crate) time: u64,
    /// When that came here.
    pub(crate) arrived: Timestamp,
    /// The last cumulative value.
    last: Option<Value>,
    /// All that was counted since it was first seen.
    pub(crate) total: Value,
}

impl Stream {
    /// Begins with its first point. Where it is known that all of it was counted after a time, `all_since`, all of it
    /// is new; otherwise a cumulative point is only what later ones are compared with.
    pub(crate) fn new(number: u64, point: Point, all_since: Option<u64>, now: Timestamp) -> Stream {
        let is_cumulative = point.temporality == Temporality::Cumulative;
        let (begun, total) = match all_since {
            _ if !is_cumulative => {
                (if point.start > 0 { point.start } else { point.time }, point.value.clone())
            }
            Some(since) => (since, point.value.clone()),
            None => (point.time, point.value.emptied()),
        };
        let last = is_cumulative.then_some(point.value);
        Stream {
            number,
            generation: 0,
            attributes: point.attributes,
            begun,
            time: point.time,
            arrived: now,
            last,
            total,
        }
    }

    /// Takes in the next point. `Some` remark where it was taken, and something about it is odd.
    ///
    /// # Errors
    /// When the point is not counted.
    pub(crate) fn take(&mut self, point: Point, now: Timestamp) -> Result<Option<Refused>, Refused> {
        if point.time <= self.time {
            return Err(Refused::Late);
        }
        let mut remark = None;
        match point.temporality {
            Temporality::Latest => self.total = point.value,
            Temporality::Delta => {
                if !self.total.add(&point.value) {
                    self.total = point.value;
                    self.generation += 1;
                    remark = Some(Refused::BoundsChanged);
                }
            }
            Temporality::Cumulative => {
                let grown = self.last.as_ref().and_then(|last| point.value.since(last));
                if let Some(grown) = grown {
                    self.total.add(&grown);
                } else if !self.total.add(&point.value) {
                    // With other bounds it cannot be told what is new in it.
                    self.total = point.value.emptied();
                    self.generation += 1;
                    remark = Some(Refused::BoundsChanged);
                }
                self.last = Some(point.value);
            }
        }
        self.time = point.time;
        self.arrived = now;
        Ok(remark)
    }

    /// About how much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let names: usize = self.attributes.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        320 + 2 * names + self.total.bytes() + self.last.as_ref().map_or(0, Value::bytes)
    }
}
