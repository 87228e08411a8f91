//! When a bad version would be found, and what it would cost until then.
//!
//! For each check, the probability that it has not spoken yet is followed through the stretches of a release: evidence
//! is taken as Brownian motion with the drift that Wald's identity gives it, and looks at the latest requests as draws
//! of so many. Of several checks the quickest counts, as if they saw the same requests, which they do.

use super::chance::{more_than, not_reached};
use super::course::Stretch;
use super::power::{Power, power};
use super::{Bad, Traffic};
use crate::release::plan::Check;

/// How much more evidence than Wald's bound the tests take, on average, as measured for them.
const EXCESS: f64 = 1.3;
/// The part of the evidence that counts from restarts on.
const RESTARTED: f64 = 0.3;
/// The tests do not speak before so many of the candidate's requests, or so many in all with some of the candidate's:
/// the smallest block.
const CANDIDATE_MIN: f64 = 8.0;
const TOTAL_MIN: f64 = 64.0;
const SOME: f64 = 3.0;
/// Nor does the test of times, which learns what times there are and how they clump: for so many seconds, and of so many
/// of the candidate's requests.
const TIMES_SECONDS: f64 = 15.0;
const TIMES_CANDIDATE: f64 = 20.0;
/// What the one bet on slower times that gains most has to gain beside that: most of the prior is on others.
const TIMES_PRIOR: f64 = 2.5;
/// Counts are looked at every second.
const LOOK: f64 = 1.0;
/// How many independent looks there are in as many new requests as are looked at.
const LOOKS: f64 = 2.0;
/// Into how many parts a stretch is cut.
const PARTS: u32 = 60;

/// What would become of a bad version.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outlook {
    /// How likely it is found within the stretches.
    pub(super) found: f64,
    /// If it is: after how many seconds on average.
    pub(super) after: Option<f64>,
    /// After how many seconds it is found with a probability of 90 %.
    pub(super) surely_after: Option<f64>,
    /// Which check is the likeliest to find it, by its place.
    pub(super) by: Option<usize>,
    /// How many requests people would have had answered by it, on average.
    pub(super) requests: f64,
    /// How many at most: if it is never found.
    pub(super) requests_at_most: f64,
    /// The share of people times seconds, on average: how many people that is depends on how many come.
    pub(super) people_seconds: f64,
    /// The probability that it is not found by the end of each stretch.
    pub(super) left: Vec<f64>,
}

/// One check on the way.
struct Watch<'a> {
    check: &'a Check,
    /// The evidence at which it speaks.
    level: f64,
    mean: f64,
    variance: f64,
    /// The candidate's requests that looks are taken of, and all until now.
    recent: f64,
    candidate: f64,
    all: f64,
    /// For how many seconds versions were compared.
    seconds: f64,
    /// The probability that it has not spoken.
    left: f64,
    has_looked: bool,
}

/// What would become of a bad version that is bad from the first of the stretches on; `alphas` as the plan gives them.
pub(super) fn outlook(
    stretches: &[Stretch],
    checks: &[Check],
    alphas: &[f64],
    bad: Bad,
    traffic: &Traffic,
) -> Outlook {
    let Some(first) = stretches.first() else { return Outlook::default() };
    let restarts = f64::from(first.restarts);
    // What sets in after restarts is found by the part of the evidence that counts from there on.
    let late = match first.restarts {
        0 => 0.0,
        _ => (restarts * (restarts + 1.0) / RESTARTED).ln(),
    };
    let mut watches: Vec<Watch<'_>> =
        checks.iter().zip(alphas).map(|(check, alpha)| Watch::new(check, *alpha, late)).collect();
    let mut found = Outlook { left: Vec::with_capacity(stretches.len()), ..Outlook::default() };
    let (mut left, mut since, mut area) = (1.0_f64, 0.0, 0.0);
    for stretch in stretches {
        let powers: Vec<Power> =
            watches.iter().map(|watch| power(watch.check, bad, stretch.parts, traffic)).collect();
        watches.iter_mut().zip(&powers).for_each(|(watch, power)| watch.begin(*power));
        let mut reached = 0.0;
        for part in 1..=PARTS {
            // Finer at the beginning, when most happens.
            let until = stretch.lasts * (f64::from(part) / f64::from(PARTS)).powi(2);
            let lasts = until - reached;
            reached = until;
            let before = left;
            for (index, (watch, power)) in watches.iter_mut().zip(&powers).enumerate() {
                let own = watch.go_on(*power, stretch, lasts, traffic);
                if own < left {
                    left = own;
                    found.by = Some(index);
                }
            }
            let between = 0.5 * (before + left);
            area += between * lasts;
            since += lasts;
            let seen = traffic.rate.value * stretch.share * lasts;
            found.requests += between * seen;
            found.requests_at_most += seen;
            found.people_seconds += between * stretch.share * lasts;
            if left <= 0.1 && found.surely_after.is_none() {
                found.surely_after = Some(since + LOOK);
            }
        }
        found.left.push(left);
    }
    found.found = 1.0 - left;
    // The time until it is found, of those courses in which it is.
    found.after = (found.found > 1e-6).then(|| (area - left * since).max(0.0) / found.found + LOOK);
    found
}

impl<'a> Watch<'a> {
    fn new(check: &'a Check, alpha: f64, late: f64) -> Watch<'a> {
        let prior = match super::power::sees(check) {
            super::power::Sees::Times => TIMES_PRIOR,
            _ => 0.0,
        };
        let level = level(alpha, late) + prior;
        Watch {
            check,
            level,
            mean: 0.0,
            variance: 0.0,
            recent: 0.0,
            candidate: 0.0,
            all: 0.0,
            seconds: 0.0,
            left: 1.0,
            has_looked: false,
        }
    }

    /// Other people meet the candidate: of what was looked at, a window is kept.
    fn begin(&mut self, power: Power) {
        if let Power::Look { sample, .. } = power
            && self.recent < sample
        {
            self.recent = 0.0;
        }
    }

    /// The probability that it has not spoken after some more seconds of a stretch.
    fn go_on(&mut self, power: Power, stretch: &Stretch, lasts: f64, traffic: &Traffic) -> f64 {
        let rate = traffic.rate.value;
        let of_candidate = rate * stretch.parts.candidate * lasts;
        let of_both = of_candidate + rate * stretch.parts.stable * lasts;
        self.candidate += of_candidate;
        self.all += of_both;
        match power {
            Power::Evidence(information) => {
                self.seconds += lasts;
                self.mean += information.mean * of_both;
                self.variance += information.variance * of_both;
                let is_slow = super::power::sees(self.check) == super::power::Sees::Times;
                let has_enough = match is_slow {
                    true => self.candidate >= TIMES_CANDIDATE && self.seconds >= TIMES_SECONDS,
                    false => {
                        self.candidate >= CANDIDATE_MIN || self.all >= TOTAL_MIN && self.candidate >= SOME
                    }
                };
                if has_enough {
                    self.left = self.left.min(not_reached(self.level, self.mean, self.variance));
                }
            }
            Power::Look { share, most, sample, window } => {
                self.recent += of_candidate;
                let looked_at = (rate * stretch.parts.candidate * window).max(sample).min(self.recent);
                if self.recent >= sample {
                    let above = more_than(most * looked_at, looked_at, share);
                    let looks = LOOKS * of_candidate / looked_at;
                    let looks = if self.has_looked { looks } else { looks + 1.0 };
                    self.has_looked = true;
                    self.left *= (1.0 - above).powf(looks);
                }
            }
            Power::None => {}
        }
        self.left
    }
}

/// The evidence at which a test speaks, on average, beside what restarts cost.
fn level(alpha: f64, late: f64) -> f64 {
    EXCESS * -alpha.clamp(1e-12, 1.0).ln() + late
}

/// About how many seconds a proof takes that a version as good as stable keeps its margin, within stretches; `of` is
/// what a request tells in each.
pub(super) fn time_of_proof(
    stretches: &[Stretch],
    alpha: f64,
    rate: f64,
    of: impl Fn(&Stretch) -> f64,
) -> Option<f64> {
    let level = level(alpha, 0.0);
    let (mut gathered, mut since) = (0.0, 0.0);
    for stretch in stretches {
        let each_second = of(stretch) * rate * (stretch.parts.candidate + stretch.parts.stable);
        if each_second > 0.0 && gathered + each_second * stretch.lasts >= level {
            return Some(since + (level - gathered) / each_second);
        }
        gathered += each_second * stretch.lasts;
        since += stretch.lasts;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_fault_takes_more_evidence_than_one_from_the_start() {
        let alpha = 0.01;
        assert!((level(alpha, 0.0) - 1.3 * 100.0_f64.ln()).abs() < 1e-12);
        assert!(level(alpha, (2.0 / RESTARTED).ln()) > level(alpha, 0.0));
    }
}
