//! A service compared with its own past.

use serde::{Deserialize, Serialize};

use crate::document::policy::Tolerance;
use crate::release::finding::{Finding, Ground};
use crate::release::plan::Compared;
use crate::release::reading::{Amount, PAST_BLOCK, Past};

/// A service compared with its own past, in blocks of equal length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Before {
    what: Compared,
    tolerate: Tolerance,
    past: Option<usize>,
    /// What was measured in the block that is not over yet, and when that block began.
    block: Amount,
    began: Option<i64>,
}

impl Before {
    pub(super) fn new(what: Compared, tolerate: Tolerance) -> Before {
        Before { what, tolerate, past: None, block: Amount::Nothing, began: None }
    }

    /// Takes in what was measured before anybody met the candidate.
    pub(super) fn begin(&mut self, past: &Past, _is_good_counted: bool) {
        self.past = Some(past.recent.len());
    }

    /// Takes in what was measured until a time in milliseconds.
    pub(super) fn add(&mut self, until: i64, now: &Amount) {
        let began = *self.began.get_or_insert(until);
        self.block.merge(now);
        if until - began >= PAST_BLOCK.as_millis() as i64 {
            self.block = Amount::Nothing;
            self.began = Some(until);
        }
    }

    pub(super) fn restart(&mut self) {}

    pub(super) fn log_e(&self) -> Option<f64> {
        None
    }

    pub(super) fn finding(&self, _is_worse: bool) -> Finding {
        Finding::of_candidate(Ground::NotMeasured, None, 0)
    }
}
