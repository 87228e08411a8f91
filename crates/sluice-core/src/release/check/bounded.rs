//! What values within fixed bounds amount to.

use serde::{Deserialize, Serialize};
use sluice_stats::{Histogram, Merge, Trials, Window};

use crate::release::Endpoints;
use crate::release::finding::{Finding, Ground};
use crate::release::plan::Bounds;

/// Slots of a window: a window of a minute is exact to five seconds.
const WINDOW_SLOTS: u32 = 12;

/// The latest requests, however long ago they were: all since the beginning, or at least as many as a sample takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent<T> {
    before: T,
    latest: T,
}

impl<T: Sample> Recent<T> {
    pub(super) fn add(&mut self, counted: &T, sample: u64) {
        if self.latest.size() >= sample {
            self.before = std::mem::take(&mut self.latest);
        }
        self.latest.merge(counted);
    }

    fn size(&self) -> u64 {
        self.before.size().saturating_add(self.latest.size())
    }

    fn total(&self) -> T {
        let mut total = self.before.clone();
        total.merge(&self.latest);
        total
    }
}

/// Something that was gathered of requests.
pub(super) trait Sample: Merge + Clone + Default {
    /// Of how many.
    fn size(&self) -> u64;
}

impl Sample for Trials {
    fn size(&self) -> u64 {
        self.n
    }
}

impl Sample for Histogram {
    fn size(&self) -> u64 {
        self.count()
    }
}

/// A window as the bounds ask for it.
pub(super) fn window<T: Merge + Default>(bounds: &Bounds) -> Window<T> {
    Window::new(bounds.window.as_millis(), WINDOW_SLOTS)
}

/// What a value that rests on requests amounts to: of the window, or of the latest requests where it holds too few.
/// Too much is said at once; that all is well takes a sample since the step began.
pub(super) fn sampled<T: Sample>(
    window: &Window<T>,
    recent: &Recent<T>,
    bounds: &Bounds,
    now: i64,
    value: impl Fn(&T) -> Option<f64>,
) -> Finding {
    let in_step = recent.size();
    let in_window = window.total(now);
    let judged = if in_window.size() >= bounds.sample { in_window } else { recent.total() };
    let (value, samples) = (value(&judged), judged.size());
    let ground = match value {
        None => Ground::NoTraffic,
        Some(_) if samples < bounds.sample => Ground::TooFew { needed: bounds.sample },
        Some(value) => bounds.ground(value),
    };
    let is_early = ground == Ground::Within && in_step < bounds.sample;
    let (ground, samples) = match in_step {
        0 if is_early => (Ground::NoTraffic, 0),
        _ if is_early => (Ground::TooFew { needed: bounds.sample }, in_step),
        _ => (ground, samples),
    };
    Finding::of_candidate(ground, value, samples)
}

/// What a rate amounts to: too much may be said early, too little only when the whole window was watched.
pub(super) fn rate_within(window: &Window<Trials>, bounds: &Bounds, now: i64) -> Finding {
    let count = window.total(now).n;
    let is_full = window.covered(now) >= window.span_ms();
    let value = count as f64 * 1000.0 / window.span_ms() as f64;
    let ground = match bounds.ground(value) {
        Ground::Above { max } => Ground::Above { max },
        _ if !is_full => Ground::WindowNotFull,
        ground => ground,
    };
    Finding::of_candidate(ground, Some(value), count)
}

pub(super) fn ready(endpoints: Endpoints, bounds: &Bounds) -> Finding {
    let share = f64::from(endpoints.ready) / f64::from(endpoints.total.max(1));
    let ground = if endpoints.total == 0 { Ground::NoEndpoints } else { bounds.ground(share) };
    Finding::of_candidate(ground, Some(share), 0)
}

impl Bounds {
    pub(super) fn ground(&self, value: f64) -> Ground {
        match (self.min, self.max) {
            (_, Some(max)) if value > max => Ground::Above { max },
            (Some(min), _) if value < min => Ground::Below { min },
            _ => Ground::Within,
        }
    }
}

/// What the latest value of a gauge amounts to.
pub(super) fn gauge(latest: Option<f64>, bounds: &Bounds) -> Finding {
    match latest {
        Some(value) => Finding::of_candidate(bounds.ground(value), Some(value), 0),
        None => Finding::of_candidate(Ground::NotMeasured, None, 0),
    }
}
