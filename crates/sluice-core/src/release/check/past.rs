//! A service compared with its own past.

use serde::{Deserialize, Serialize};
use sluice_stats::mean::Worse as WorseScore;
use sluice_stats::past::{self, PastTest};
use sluice_stats::{Margin, Trials};

use super::evidence::{in_units, margin, mean};
use crate::document::metric::Worse;
use crate::document::policy::Tolerance;
use crate::release::finding::{Finding, Ground};
use crate::release::plan::Compared;
use crate::release::reading::{Amount, PAST_BLOCK, Past};

/// A service compared with its own past, in blocks of equal length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Before {
    what: Compared,
    tolerate: Tolerance,
    /// None until the past is known.
    test: Option<PastTest>,
    /// How many blocks of the past are known.
    known: u64,
    /// What was measured in the block that is not over yet, and when that block began.
    block: Amount,
    began: Option<i64>,
    /// The score of the last block, and how much it rests on.
    latest: Option<(f64, u64)>,
}

/// As the tests have it.
pub(super) fn worse(worse: Worse) -> WorseScore {
    match worse {
        Worse::Higher => WorseScore::Higher,
        Worse::Lower => WorseScore::Lower,
    }
}

impl Before {
    pub(super) fn new(what: Compared, tolerate: Tolerance) -> Before {
        Before { what, tolerate, test: None, known: 0, block: Amount::Nothing, began: None, latest: None }
    }

    /// Takes in what was measured before anybody met the candidate; once, since the test looks back at it for good.
    pub(super) fn begin(&mut self, past: &Past, is_good_counted: bool) {
        if self.test.is_some() {
            return;
        }
        let score = |amount: &Amount| {
            let amount = match amount {
                Amount::Trials(Trials { n, k }) if is_good_counted => {
                    Amount::Trials(Trials::new(*n, n.saturating_sub(*k)))
                }
                amount => amount.clone(),
            };
            self.score(&amount).map(|(score, _)| score)
        };
        let recent: Vec<f64> = past.recent.iter().filter_map(score).collect();
        let same_time: Vec<f64> = past.same_time.iter().filter_map(score).collect();
        self.known = recent.len() as u64;
        let which = match self.what {
            Compared::Share | Compared::Quantile(_) => WorseScore::Higher,
            Compared::Rate(direction) | Compared::Mean(direction) => worse(direction),
        };
        let tolerance: Margin = margin(self.tolerate);
        self.test = Some(PastTest::new(tolerance, which, &recent, &same_time));
    }

    /// Takes in what was measured until a time in milliseconds.
    pub(super) fn add(&mut self, until: i64, now: &Amount) {
        let began = *self.began.get_or_insert(until);
        self.block.merge(now);
        if until.saturating_sub(began) < i64::try_from(PAST_BLOCK.as_millis()).unwrap_or(i64::MAX) {
            return;
        }
        let block = std::mem::take(&mut self.block);
        self.began = Some(until);
        if let Some((score, samples)) = self.score(&block) {
            self.latest = Some((score, samples));
            if let Some(test) = &mut self.test {
                test.update(score);
            }
        }
    }

    fn score(&self, amount: &Amount) -> Option<(f64, u64)> {
        match (self.what, amount) {
            (Compared::Share, Amount::Trials(trials)) => Some((past::score_of_trials(*trials)?, trials.n)),
            (Compared::Rate(_), Amount::Events { events, seconds }) => {
                Some((past::score_of_events(*events, *seconds)?, *events))
            }
            (Compared::Quantile(quantile), Amount::Values(values)) => {
                let score = values.quantile(quantile.fraction()).map(in_units)?;
                Some((score, values.count()))
            }
            (Compared::Mean(_), Amount::Values(values)) => Some((mean(values)?, values.count())),
            _ => None,
        }
    }

    pub(super) fn restart(&mut self) {
        if let Some(test) = self.test.as_mut().filter(|test| test.blocks() > 0) {
            test.restart();
        }
    }

    pub(super) fn log_e(&self) -> Option<f64> {
        Some(self.test.as_ref().map_or(0.0, PastTest::log_e))
    }

    pub(super) fn finding(&self, is_worse: bool) -> Finding {
        let ground = match &self.test {
            None => Ground::NotMeasured,
            Some(_) if is_worse => Ground::Worse,
            Some(test) if test.missing() > 0 => Ground::PastTooShort {
                needed: self.known.saturating_add(test.missing() as u64),
                known: self.known,
            },
            Some(test) if test.blocks() == 0 => Ground::NoTraffic,
            Some(_) => Ground::NotWorse,
        };
        Finding {
            ground,
            stable: self.test.as_ref().and_then(PastTest::usual),
            candidate: self.latest.map(|(score, _)| score),
            stable_samples: 0,
            candidate_samples: self.latest.map_or(0, |(_, samples)| samples),
            note: None,
        }
    }
}
