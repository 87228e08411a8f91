//! Counts of one series at one moment, and what came between two moments.

use sluice_engine::port::source::Trouble;

use crate::web::trouble;

/// Bounds that are the same may differ in the last digits of their text.
const SAME: f64 = 1e-9;

/// Values from `left` to `right`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// What its values are counted as.
    pub(crate) value: f64,
    pub(crate) count: f64,
}

/// What a series has counted since it began.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Counted {
    /// A counter.
    Plain(f64),
    /// A classic histogram. Each bucket has a count, zero or not.
    Classic(Vec<Bucket>),
    /// A native histogram. Buckets without a count are not there, and the server may join neighbours at any time.
    Native(Vec<Bucket>),
}

/// What was counted between two moments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Grown {
    Plain(f64),
    Buckets(Vec<Bucket>),
}

impl Counted {
    /// A classic histogram from its cumulative counts, by upper bounds. A value counts as the upper bound of its bucket;
    /// of the last bucket, which has none, as twice the bound before.
    ///
    /// # Errors
    /// When the counts do not grow with the bounds, or there are no bounds but `+Inf`, or not that one.
    pub(crate) fn classic(mut cumulative: Vec<(f64, f64)>) -> Result<Counted, Trouble> {
        cumulative.sort_by(|a, b| a.0.total_cmp(&b.0));
        if cumulative.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
            return Err(trouble("its histogram has no bucket `+Inf`"));
        }
        if cumulative.len() == 1 {
            return Err(trouble("its histogram has no bucket but `+Inf`, which says nothing of the values"));
        }
        let mut buckets = Vec::with_capacity(cumulative.len());
        let (mut left, mut below) = (f64::NEG_INFINITY, 0.0);
        for (right, through) in cumulative {
            if through < below {
                return Err(trouble(format!(
                    "its histogram does not add up: {below} values up to {left}, and only {through} up to {right}"
                )));
            }
            let value = if right.is_finite() { right } else { left * 2.0 };
            buckets.push(Bucket { left, right, value, count: through - below });
            (left, below) = (right, through);
        }
        Ok(Counted::Classic(buckets))
    }

    /// A native histogram from its buckets: from where, to where, how many. A value counts as the middle of its bucket on
    /// a logarithmic scale.
    pub(crate) fn native(buckets: impl IntoIterator<Item = (f64, f64, f64)>) -> Counted {
        let bucket = |(left, right, count): (f64, f64, f64)| {
            let value = match (left, right) {
                (left, f64::INFINITY) => left,
                (left, right) if left > 0.0 => left.sqrt() * right.sqrt(),
                // The bucket around zero; values below it stay below.
                (left, right) if right > 0.0 => (left + right).max(0.0) / 2.0,
                (left, _) => left,
            };
            Bucket { left, right, value, count }
        };
        Counted::Native(buckets.into_iter().map(bucket).collect())
    }

    /// Everything since the series began.
    pub(crate) fn all(&self) -> Grown {
        match self {
            Counted::Plain(count) => Grown::Plain(*count),
            Counted::Classic(buckets) | Counted::Native(buckets) => Grown::Buckets(buckets.clone()),
        }
    }

    /// What came since `earlier`. Where anything fell, whoever counts was started anew, and all it has counts.
    ///
    /// # Errors
    /// When its buckets changed in a way that leaves open what came.
    pub(crate) fn since(&self, earlier: &Counted) -> Result<Grown, Trouble> {
        match (self, earlier) {
            (Counted::Plain(now), Counted::Plain(before)) if now < before => Ok(Grown::Plain(*now)),
            (Counted::Plain(now), Counted::Plain(before)) => Ok(Grown::Plain(now - before)),
            (Counted::Classic(now), Counted::Classic(before)) => {
                let is_same = now.len() == before.len()
                    && now.iter().zip(before).all(|(now, before)| is_close(now.right, before.right));
                if !is_same {
                    return Err(buckets_changed());
                }
                let grown = now.iter().zip(before);
                let grown: Vec<Bucket> =
                    grown.map(|(now, before)| Bucket { count: now.count - before.count, ..*now }).collect();
                Ok(grown_or_reset(grown, now))
            }
            (Counted::Native(now), Counted::Native(before)) => {
                let total = |buckets: &[Bucket]| buckets.iter().map(|bucket| bucket.count).sum::<f64>();
                if total(now) < total(before) {
                    return Ok(Grown::Buckets(now.clone()));
                }
                let mut grown = now.clone();
                for old in before.iter().filter(|old| old.count > 0.0) {
                    // Of two that hold it, which share no more than a bound, the first.
                    match grown.iter_mut().find(|bucket| holds(bucket, old)) {
                        Some(bucket) => bucket.count -= old.count,
                        None => return Err(buckets_changed()),
                    }
                }
                Ok(grown_or_reset(grown, now))
            }
            _ => Err(buckets_changed()),
        }
    }
}

pub(crate) fn buckets_changed() -> Trouble {
    trouble(
        "its buckets changed, and counts in other buckets cannot be compared; let all versions count in the same \
         buckets, and begin the release anew",
    )
}

fn grown_or_reset(grown: Vec<Bucket>, now: &[Bucket]) -> Grown {
    let has_fallen = grown.iter().any(|bucket| bucket.count < 0.0);
    Grown::Buckets(if has_fallen { now.to_vec() } else { grown })
}

fn is_close(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= SAME * a.abs().max(b.abs())
}

fn holds(bucket: &Bucket, inner: &Bucket) -> bool {
    let is_from = bucket.left <= inner.left || is_close(bucket.left, inner.left);
    let is_to = bucket.right >= inner.right || is_close(bucket.right, inner.right);
    is_from && is_to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(buckets: &[(f64, f64, f64)]) -> Counted {
        Counted::native(buckets.iter().copied())
    }

    fn counts(grown: Grown) -> Vec<f64> {
        let Grown::Buckets(buckets) = grown else { panic!("no buckets") };
        buckets.iter().map(|bucket| bucket.count).collect()
    }

    #[test]
    fn a_counter_that_fell_counts_from_zero() {
        assert_eq!(Counted::Plain(7.0).since(&Counted::Plain(5.0)).unwrap(), Grown::Plain(2.0));
        assert_eq!(Counted::Plain(3.0).since(&Counted::Plain(5.0)).unwrap(), Grown::Plain(3.0));
    }

    #[test]
    fn classic_buckets_are_compared_only_with_their_like() {
        let inf = f64::INFINITY;
        let before = Counted::classic(vec![(0.1, 2.0), (inf, 5.0)]).unwrap();
        let after = Counted::classic(vec![(inf, 9.0), (0.1, 4.0)]).unwrap();
        assert_eq!(counts(after.since(&before).unwrap()), [2.0, 2.0]);
        let restarted = Counted::classic(vec![(0.1, 1.0), (inf, 9.0)]).unwrap();
        assert_eq!(counts(restarted.since(&before).unwrap()), [1.0, 8.0]);
        let other = Counted::classic(vec![(0.2, 4.0), (inf, 9.0)]).unwrap();
        assert!(other.since(&before).unwrap_err().why.contains("its buckets changed"));
        assert!(Counted::classic(vec![(0.1, 4.0), (inf, 3.0)]).unwrap_err().why.contains("does not add up"));
        assert!(
            Counted::classic(vec![(inf, 4.0)]).is_err()
                && Counted::classic(vec![(0.1, 4.0)]).is_err()
                && Counted::classic(vec![]).is_err()
        );
    }

    #[test]
    fn native_buckets_that_were_joined_are_compared_as_joined() {
        let before = native(&[(1.0, 1.19, 2.0), (1.19, 1.41, 3.0)]);
        let after = native(&[(1.0, 1.41, 9.0), (1.41, 2.0, 1.0)]);
        assert_eq!(counts(after.since(&before).unwrap()), [4.0, 1.0]);
        let finer = native(&[(1.0, 1.1, 9.0), (1.1, 1.41, 9.0)]);
        assert!(finer.since(&after).is_err());
        let restarted = native(&[(1.0, 1.19, 1.0)]);
        assert_eq!(counts(restarted.since(&before).unwrap()), [1.0]);
    }
}
