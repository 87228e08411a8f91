//! What came between two looks at an inbox.

use std::sync::Arc;

use sluice_core::document::metric::MetricKind;
use sluice_core::release::Amount;
use sluice_core::stats::{Histogram, Trials};

use super::explicit::{Explicit, spread};
use super::exponential::Exponential;
use super::source::{Look, Seen, Wanted};
use super::stream::Value;

/// What came of stable and of the candidate.
///
/// # Errors
/// When the streams are not such as are needed.
pub(super) fn amounts(wanted: &Wanted, last: &[Look; 2], now: &[Look; 2]) -> Result<[Amount; 2], String> {
    match wanted.kind {
        MetricKind::Ratio | MetricKind::Rate => {
            let of = |i: usize| events(wanted, &last[i], &now[i]);
            Ok([of(0)?, of(1)?])
        }
        MetricKind::Gauge => Ok([gauge(wanted, &now[0])?, gauge(wanted, &now[1])?]),
        MetricKind::Distribution | MetricKind::Mean => {
            let of = |i: usize| Gathered::of(wanted, &last[i], &now[i]);
            values(wanted, [of(0)?, of(1)?], [&now[0].unit, &now[1].unit])
        }
    }
}

/// The streams with what they held before, where that belongs to what they hold now.
fn pairs<'a>(last: &'a Look, now: &'a Look) -> impl Iterator<Item = (&'a Seen, Option<&'a Value>)> {
    now.streams.iter().map(|(number, seen)| {
        let before = last.streams.get(number).filter(|before| before.generation == seen.generation);
        (seen, before.map(|before| &before.total))
    })
}

fn events(wanted: &Wanted, last: &Look, now: &Look) -> Result<Amount, String> {
    let mut trials = Trials::default();
    for (seen, before) in pairs(last, now) {
        let more =
            count(wanted, &seen.total)?.saturating_sub(before.map_or(Ok(0), |before| count(wanted, before))?);
        trials.n = trials.n.saturating_add(more);
        if seen.is_bad {
            trials.k = trials.k.saturating_add(more);
        }
    }
    if wanted.kind == MetricKind::Ratio {
        return Ok(if trials.n == 0 { Amount::Nothing } else { Amount::Trials(trials) });
    }
    let Some(time) = now.time else { return Ok(Amount::Nothing) };
    let since = last.time.or(now.begun).unwrap_or(time);
    if time <= since {
        return Ok(Amount::Nothing);
    }
    Ok(Amount::Events { events: trials.n, seconds: (time - since) as f64 / 1e9 })
}

/// How many things a value counts. Rounded here, so that no part of one is lost or counted twice between looks.
fn count(wanted: &Wanted, value: &Value) -> Result<u64, String> {
    match value {
        Value::Sum(sum) => Ok(sum.round() as u64),
        Value::Explicit(explicit) => Ok(explicit.count()),
        Value::Exponential(exponential) => Ok(exponential.count()),
        Value::Level { .. } => Err(wrong_kind(wanted, value, "a sum that only grows, or a histogram")),
    }
}

fn gauge(wanted: &Wanted, now: &Look) -> Result<Amount, String> {
    let mut levels: Vec<(&Seen, f64, bool)> = Vec::new();
    for seen in now.streams.values().filter(|seen| seen.is_fresh) {
        match &seen.total {
            Value::Level { value, is_additive } => levels.push((seen, *value, *is_additive)),
            other => return Err(wrong_kind(wanted, other, "a gauge, or a sum that goes up and down")),
        }
    }
    let Some((first, _, is_additive)) = levels.first() else { return Ok(Amount::Nothing) };
    let sum = levels.iter().map(|(_, value, _)| value).sum::<f64>() * scale(wanted, &now.unit);
    if *is_additive {
        return Ok(Amount::Gauge(sum));
    }
    // Instances of one version are averaged; what is told apart by attributes is not the same thing.
    if levels.iter().any(|(seen, ..)| seen.attributes != first.attributes) {
        let names: std::collections::BTreeSet<_> =
            levels.iter().flat_map(|(seen, ..)| seen.attributes.keys().map(String::as_str)).collect();
        let names = names.into_iter().take(5).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "`{}` has {} series where one number is needed; say by `attributes` which is meant ({names})",
            wanted.instrument,
            levels.len(),
        ));
    }
    Ok(Amount::Gauge(sum / levels.len() as f64))
}

fn wrong_kind(wanted: &Wanted, found: &Value, needed: &str) -> String {
    format!("`{}` is a {} by OTLP, and this metric needs {needed}", wanted.instrument, found.kind())
}

fn scale(wanted: &Wanted, unit: &str) -> f64 {
    wanted.scale.unwrap_or(if unit == "s" && wanted.in_ms { 1000.0 } else { 1.0 })
}

/// What came of histograms, of one version.
#[derive(Default)]
struct Gathered {
    explicit: Vec<Explicit>,
    exponential: Exponential,
}

impl Gathered {
    fn of(wanted: &Wanted, last: &Look, now: &Look) -> Result<Gathered, String> {
        let mut gathered = Gathered::default();
        for (seen, before) in pairs(last, now) {
            let grown = before.map_or_else(|| Some(seen.total.clone()), |before| seen.total.since(before));
            match grown.unwrap_or_else(|| seen.total.clone()) {
                Value::Explicit(explicit) if explicit.bounds.is_empty() => {
                    return Err(format!("the histograms of `{}` have no buckets", wanted.instrument));
                }
                Value::Explicit(explicit) if explicit.count() > 0 => gathered.add(explicit),
                Value::Explicit(_) => {}
                Value::Exponential(exponential) if exponential.count() > 0 => {
                    gathered.exponential.merge(&exponential);
                }
                Value::Exponential(_) => {}
                other => return Err(wrong_kind(wanted, &other, "a histogram")),
            }
        }
        let below = gathered.explicit.iter().map(Explicit::below_zero).sum::<u64>()
            + gathered.exponential.below_zero();
        if below > 0 {
            return Err(format!(
                "`{}` has {below} values below zero, and only others can be compared",
                wanted.instrument
            ));
        }
        Ok(gathered)
    }

    fn add(&mut self, explicit: Explicit) {
        match self.explicit.iter_mut().find(|held| held.bounds == explicit.bounds) {
            Some(held) => held.merge(&explicit),
            None => self.explicit.push(explicit),
        }
    }

    fn histogram(&self, scale: f64) -> Histogram {
        let mut histogram = Histogram::default();
        // Histograms hold thousandths of the metric's unit.
        let factor = scale * 1000.0;
        for (from, to, count) in self.explicit.iter().flat_map(Explicit::iter).chain(self.exponential.iter())
        {
            spread(&mut histogram, from * factor, to * factor, count);
        }
        histogram
    }
}

fn values(wanted: &Wanted, mut arms: [Gathered; 2], units: [&str; 2]) -> Result<[Amount; 2], String> {
    check_alike(wanted, &arms)?;
    // Where one is coarser, both are read as coarse: otherwise the buckets themselves would look like a difference.
    if let [Some(a), Some(b)] = [arms[0].exponential.scale(), arms[1].exponential.scale()] {
        arms.iter_mut().for_each(|arm| arm.exponential.lower_to(a.min(b)));
    }
    let of = |arm: &Gathered, unit: &str| {
        let histogram = arm.histogram(scale(wanted, unit));
        if histogram.is_empty() { Amount::Nothing } else { Amount::Values(histogram) }
    };
    Ok([of(&arms[0], units[0]), of(&arms[1], units[1])])
}

/// Whether the buckets of the two versions can be compared.
fn check_alike(wanted: &Wanted, arms: &[Gathered; 2]) -> Result<(), String> {
    let bounds: Vec<&Arc<[f64]>> =
        arms.iter().flat_map(|arm| arm.explicit.iter().map(|held| &held.bounds)).collect();
    let has_exponential = arms.iter().any(|arm| arm.exponential.count() > 0);
    if bounds.windows(2).any(|two| two[0] != two[1]) {
        return Err(format!(
            "the senders of `{}` do not agree about the bounds of its buckets, so that the versions cannot be compared; \
             give them the same bounds, or use exponential histograms",
            wanted.instrument,
        ));
    }
    if has_exponential && !bounds.is_empty() {
        return Err(format!(
            "some senders of `{}` send exponential histograms and others do not; let all send the same",
            wanted.instrument,
        ));
    }
    Ok(())
}
