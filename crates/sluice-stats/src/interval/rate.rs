//! How the candidate's events per exposure compare with stable's.

use serde::{Deserialize, Serialize};

use super::Interval;
use super::curve::Curve;
use crate::rate::dispersion::Dispersion;
use crate::rate::{Events, Seen};
use crate::trials::Arms;

/// Where more events than this come together, each batch is read as this part of its independent events: bursts are
/// not all of one size, and a likelihood minds that more than a bet on a mean does.
const IN_BURSTS: f64 = 1.3;
const CAUTION: f64 = 0.5;

/// An interval for the ratio of two rates of events, valid at every moment.
///
/// Fed like [`crate::RateTest`], and as careful with events that come in bursts. With a probability of at least
/// 1 - alpha, the ratio is within [`RateInterval::ratio`] at every moment, if it is the same all the time, whatever
/// the rates and the exposures are. Constant in size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateInterval {
    alpha: f64,
    dispersion: Dispersion,
    curve: Curve,
    /// At how many events the bounds were computed.
    ratio: Option<(f64, Interval)>,
}

impl RateInterval {
    /// An interval without data, that may be wrong with probability `alpha`, held within a millionth and a half; one
    /// that is no number is 0.05.
    pub fn new(alpha: f64) -> RateInterval {
        let alpha = super::held_alpha(alpha);
        RateInterval { alpha, dispersion: Dispersion::new(), curve: Curve::new(), ratio: None }
    }

    /// See [`crate::RateTest::update`].
    pub fn update(&mut self, stable: Events, candidate: Events) {
        let batch = Arms { stable, candidate };
        let Some(seen) = Seen::new(&batch) else { return };
        if seen.all > 0.0 {
            let units = self.dispersion.units(seen.all);
            let caution = if seen.all > IN_BURSTS * units.likely { CAUTION } else { 1.0 };
            let units = (caution * units.proven).max(1.0);
            self.curve.add(seen.odds, seen.all, seen.candidate, units / seen.all);
            let events = self.curve.events();
            if self.ratio.is_none_or(|(at, _)| events >= at * 1.01) {
                self.ratio = Some((events, self.curve.interval(self.alpha)));
            }
        }
        self.dispersion.learn(&batch);
    }

    /// The candidate's events per exposure over stable's. `None` until there was an event that can be compared. The
    /// upper bound is infinite as long as stable may never have one.
    pub fn ratio(&self) -> Option<Interval> {
        self.ratio.map(|(_, interval)| interval)
    }
}
