// What a release under the built-in `canary` remembers of its four checks, and one look at it: the old state is kept
// and the next one made from a copy of it. Included twice, for the crate and for the plain way; what includes it names
// `Histogram`, `QuantileTest`, `RatioTest` and `Window`.

/// Slots of a window and its length.
const SLOTS: u32 = 12;
const WINDOW_MS: u64 = 60_000;
/// How many requests a value takes.
const SAMPLE: u64 = 100;

/// What was counted of one version.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    pub(crate) trials: Trials,
    pub(crate) latency: Histogram,
}

#[derive(Clone)]
pub(crate) struct Release {
    failures: RatioTest,
    shares: Arms<Trials>,
    times: QuantileTest,
    latencies: Arms<Histogram>,
    responses: Window<Trials>,
    slowest: Window<Histogram>,
    before: Histogram,
    latest: Histogram,
}

impl Release {
    pub(crate) fn new() -> Release {
        Release {
            failures: RatioTest::new(Margin::Absolute(0.005)),
            shares: Arms::default(),
            times: QuantileTest::new(0.95, 0.2),
            latencies: Arms::default(),
            responses: Window::new(WINDOW_MS, SLOTS),
            slowest: Window::new(WINDOW_MS, SLOTS),
            before: Histogram::default(),
            latest: Histogram::default(),
        }
    }

    /// To be called at the beginning of a step.
    pub(crate) fn restart(&mut self) {
        self.failures.restart();
        self.times.restart();
        self.shares = Arms::default();
        self.latencies = Arms::default();
        (self.before, self.latest) = Default::default();
    }

    /// What follows, and what the four checks say, as numbers.
    pub(crate) fn look(&self, seen: &Arms<Seen>, now_ms: i64) -> (Release, [f64; 4]) {
        let mut next = self.clone();
        let says = [
            next.compare_failures(seen),
            next.compare_times(seen),
            next.failed(seen, now_ms),
            next.slow(seen, now_ms),
        ];
        (next, says)
    }

    fn compare_failures(&mut self, seen: &Arms<Seen>) -> f64 {
        self.failures.update(seen.stable.trials, seen.candidate.trials);
        self.shares.stable.merge(&seen.stable.trials);
        self.shares.candidate.merge(&seen.candidate.trials);
        let rates = [self.shares.stable.rate(), self.shares.candidate.rate()];
        rates.into_iter().flatten().sum::<f64>() + f64::from(u8::from(self.failures.is_worse(0.01)))
    }

    fn compare_times(&mut self, seen: &Arms<Seen>) -> f64 {
        self.times.update(&seen.stable.latency, &seen.candidate.latency);
        self.latencies.stable.merge(&seen.stable.latency);
        self.latencies.candidate.merge(&seen.candidate.latency);
        let Arms { stable, candidate } = &self.latencies;
        let slow = [stable.quantile(0.95), candidate.quantile(0.95)];
        let counts = stable.count().saturating_add(candidate.count());
        slow.into_iter().flatten().fold(counts, u64::saturating_add) as f64
            + f64::from(u8::from(self.times.is_worse(0.01)))
    }

    fn failed(&mut self, seen: &Arms<Seen>, now_ms: i64) -> f64 {
        self.responses.add(now_ms, &seen.candidate.trials);
        self.responses.total(now_ms).rate().unwrap_or(0.0)
    }

    fn slow(&mut self, seen: &Arms<Seen>, now_ms: i64) -> f64 {
        self.slowest.add(now_ms, &seen.candidate.latency);
        if self.latest.count() >= SAMPLE {
            self.before = std::mem::take(&mut self.latest);
        }
        self.latest.merge(&seen.candidate.latency);
        let in_step = self.before.count().saturating_add(self.latest.count());
        let mut judged = self.slowest.total(now_ms);
        if judged.count() < SAMPLE {
            judged = self.before.clone();
            judged.merge(&self.latest);
        }
        let but_one = 1.0 - 1.0 / judged.count().max(1) as f64;
        judged.quantile(0.99_f64.min(but_one)).unwrap_or(0).saturating_add(in_step) as f64
    }
}
