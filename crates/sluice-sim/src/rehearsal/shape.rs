//! How latencies are spread.

use sluice_core::stats::Histogram;

use super::draw::{binomial, normal_quantile};
use crate::random::Random;

/// How finely a curve that is known by some quantiles is drawn.
const POINTS: u32 = 10_000;
/// Up to so many latencies are drawn one by one; more are dealt out to the buckets.
const SINGLE_MAX: u64 = 512;

/// How latencies are spread: a histogram from which others can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Buckets with the number of latencies in them and in all before.
    through: Vec<(u16, u64)>,
    total: u64,
}

impl Shape {
    /// The shape of what was measured; none where nothing was.
    pub fn of(histogram: &Histogram) -> Option<Shape> {
        let mut total = 0_u64;
        let through: Vec<(u16, u64)> = histogram
            .iter()
            .map(|(bucket, count)| {
                total = total.saturating_add(count);
                (bucket, total)
            })
            .collect();
        (total > 0).then_some(Shape { through, total })
    }

    /// The smoothest shape with these quantiles in milliseconds, such as (0.5, 80.0) and (0.99, 700.0): log-normal
    /// between them and beyond. With one quantile, spread as web services often are (sigma 0.6).
    /// None without any, or where one is not a positive number or they do not grow.
    pub fn with_quantiles(known: &[(f64, f64)]) -> Option<Shape> {
        let mut points: Vec<(f64, f64)> =
            known.iter().map(|(q, ms)| (normal_quantile(*q), (ms * 1000.0).ln())).collect();
        let is_growing = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        if points.is_empty()
            || !is_growing
            || points.iter().any(|(z, log)| !z.is_finite() || !log.is_finite())
        {
            return None;
        }
        if let [(z, log)] = points[..] {
            points.push((z + 1.0, log + 0.6));
        }
        let mut histogram = Histogram::default();
        for i in 0..POINTS {
            let z = normal_quantile((f64::from(i) + 0.5) / f64::from(POINTS));
            let after = points.iter().position(|point| z < point.0).unwrap_or(points.len() - 1).max(1);
            let ((z0, log0), (z1, log1)) = (points[after - 1], points[after]);
            let log = log0 + (z - z0) * (log1 - log0) / (z1 - z0);
            histogram.record(log.exp() as u64);
        }
        Shape::of(&histogram)
    }

    /// Draws `count` latencies, lets each pass through `change`, and counts them into a histogram.
    pub(super) fn draw(
        &self,
        random: &mut Random,
        count: u64,
        into: &mut Histogram,
        mut change: impl FnMut(&mut Random, u64) -> u64,
    ) {
        let within = |random: &mut Random, bucket: u16| {
            let (low, high) = (Histogram::lower_bound(bucket), Histogram::lower_bound(bucket + 1));
            low + random.below(high - low)
        };
        if count <= SINGLE_MAX {
            for _ in 0..count {
                let rank = random.below(self.total);
                let at = self.through.partition_point(|(_, through)| *through <= rank);
                let micros = within(random, self.through[at].0);
                let micros = change(random, micros);
                into.record(micros);
            }
            return;
        }
        let (mut left, mut before) = (count, 0);
        for (bucket, through) in &self.through {
            let share = (through - before) as f64 / (self.total - before) as f64;
            let here = binomial(random, left, share);
            for _ in 0..here {
                let micros = within(random, *bucket);
                let micros = change(random, micros);
                into.record(micros);
            }
            left -= here;
            before = *through;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_has_the_quantiles_that_were_asked_for() {
        let shape = Shape::with_quantiles(&[(0.5, 80.0), (0.95, 240.0), (0.99, 900.0)]).unwrap();
        for count in [50_000, 100] {
            let (mut random, mut drawn) = (Random::from_seed(3), Histogram::default());
            for _ in 0..50_000 / count {
                shape.draw(&mut random, count, &mut drawn, |_, micros| micros);
            }
            for (q, ms) in [(0.5, 80.0), (0.95, 240.0), (0.99, 900.0)] {
                let found = drawn.quantile(q).unwrap() as f64 / 1000.0;
                assert!((found / ms - 1.0).abs() < 0.08, "p{q} is {found} ms, not {ms}");
            }
        }
    }

    #[test]
    fn quantiles_that_make_no_sense_give_no_shape() {
        for known in [&[][..], &[(0.5, 0.0)], &[(0.5, 80.0), (0.95, 40.0)], &[(0.5, f64::NAN)]] {
            assert_eq!(Shape::with_quantiles(known), None, "{known:?}");
        }
    }
}
