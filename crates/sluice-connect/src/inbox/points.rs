//! From the points of a message to points that can be counted.

use sluice_core::Timestamp;

use super::explicit::Explicit;
use super::exponential::Exponential;
use super::nanos;
use super::refused::Refused;
use super::stream::{Attributes, Point, Temporality, Value};
use crate::otlp::message::{CUMULATIVE, DELTA, KeyValue, Metric, NO_RECORDED_VALUE, NumberPoint, Sum};

/// How far a sender's clock may be ahead.
const AHEAD_MAX_NANOS: u64 = 300_000_000_000;
/// Names and values of one set of attributes, together.
const NAMES_BYTES_MAX: usize = 8 * 1024;

/// What was read of a point.
pub(super) enum Read {
    Point(Point),
    /// So many points are not taken.
    Refused(Refused, u64),
}

/// The attributes as texts. Of two with the same name, the last one counts.
///
/// # Errors
/// When they are too long.
pub(super) fn texts(attributes: &[KeyValue]) -> Result<Attributes, Refused> {
    let mut texts = Attributes::new();
    let mut bytes = 0;
    for pair in attributes {
        let value = pair.value.as_ref().map(crate::otlp::message::AnyValue::text).unwrap_or_default();
        bytes += pair.key.len() + value.len();
        if bytes > NAMES_BYTES_MAX {
            return Err(Refused::NamesTooLong(NAMES_BYTES_MAX));
        }
        texts.insert(pair.key.clone(), value);
    }
    Ok(texts)
}

/// How many points a metric has.
pub(super) fn how_many(metric: &Metric) -> u64 {
    let points = metric.gauge.as_ref().map_or(0, |data| data.data_points.len())
        + metric.sum.as_ref().map_or(0, |data| data.data_points.len())
        + metric.histogram.as_ref().map_or(0, |data| data.data_points.len())
        + metric.exponential_histogram.as_ref().map_or(0, |data| data.data_points.len())
        + metric.summary.as_ref().map_or(0, |data| data.data_points.len());
    points as u64
}

/// Reads each point of a metric, in order.
pub(super) fn points_of(metric: &Metric, now: Timestamp, mut each: impl FnMut(Read)) {
    if metric.name.is_empty() || metric.name.len() > NAMES_BYTES_MAX {
        return each(Read::Refused(Refused::NoData, how_many(metric)));
    }
    let latest = nanos(now).saturating_add(AHEAD_MAX_NANOS);
    let mut give = |head: Head<'_>, read: Result<(Temporality, Value), Refused>| match head
        .check(latest)
        .and(read)
        .and_then(|(temporality, value)| head.point(temporality, value))
    {
        _ if head.flags & NO_RECORDED_VALUE != 0 => {}
        Ok(point) => each(Read::Point(point)),
        Err(why) => each(Read::Refused(why, 1)),
    };
    if let Some(gauge) = &metric.gauge {
        for point in &gauge.data_points {
            let level = |value| (Temporality::Latest, Value::Level { value, is_additive: false });
            give(Head::of_number(point), number(point).map(level));
        }
    } else if let Some(sum) = &metric.sum {
        for point in &sum.data_points {
            give(Head::of_number(point), sum_of(sum, point));
        }
    } else if let Some(histogram) = &metric.histogram {
        for point in &histogram.data_points {
            let head = Head {
                attributes: &point.attributes,
                start: point.start_time_unix_nano,
                time: point.time_unix_nano,
                flags: point.flags,
            };
            let value = Explicit::of(point).map(Value::Explicit);
            give(head, temporality(histogram.aggregation_temporality).and_then(|how| Ok((how, value?))));
        }
    } else if let Some(histogram) = &metric.exponential_histogram {
        for point in &histogram.data_points {
            let head = Head {
                attributes: &point.attributes,
                start: point.start_time_unix_nano,
                time: point.time_unix_nano,
                flags: point.flags,
            };
            let value = Exponential::of(point).map(Value::Exponential);
            give(head, temporality(histogram.aggregation_temporality).and_then(|how| Ok((how, value?))));
        }
    } else if let Some(summary) = &metric.summary {
        each(Read::Refused(Refused::Summary, summary.data_points.len() as u64));
    } else {
        each(Read::Refused(Refused::NoData, 1));
    }
}

fn sum_of(sum: &Sum, point: &NumberPoint) -> Result<(Temporality, Value), Refused> {
    let value = number(point)?;
    match (temporality(sum.aggregation_temporality)?, sum.is_monotonic) {
        (_, true) if value < 0.0 => Err(Refused::BelowZero),
        (how, true) => Ok((how, Value::Sum(value))),
        (Temporality::Delta, false) => Err(Refused::DeltaOfLevel),
        (_, false) => Ok((Temporality::Latest, Value::Level { value, is_additive: true })),
    }
}

fn temporality(given: i32) -> Result<Temporality, Refused> {
    match given {
        DELTA => Ok(Temporality::Delta),
        CUMULATIVE => Ok(Temporality::Cumulative),
        _ => Err(Refused::NoTemporality),
    }
}

fn number(point: &NumberPoint) -> Result<f64, Refused> {
    match (point.as_double, point.as_int) {
        (_, Some(whole)) => Ok(whole as f64),
        (Some(number), None) if number.is_finite() => Ok(number),
        (Some(_), None) => Err(Refused::NotFinite),
        (None, None) => Err(Refused::NoData),
    }
}

/// What all kinds of points have.
struct Head<'a> {
    attributes: &'a [KeyValue],
    start: u64,
    time: u64,
    flags: u32,
}

impl Head<'_> {
    fn of_number(point: &NumberPoint) -> Head<'_> {
        Head {
            attributes: &point.attributes,
            start: point.start_time_unix_nano,
            time: point.time_unix_nano,
            flags: point.flags,
        }
    }

    fn check(&self, latest: u64) -> Result<(), Refused> {
        if self.time == 0 || self.start > self.time {
            return Err(Refused::NoTime);
        }
        if self.time > latest {
            return Err(Refused::FromTheFuture);
        }
        Ok(())
    }

    fn point(&self, temporality: Temporality, value: Value) -> Result<Point, Refused> {
        let attributes = texts(self.attributes)?;
        Ok(Point { attributes, start: self.start, time: self.time, temporality, value })
    }
}
