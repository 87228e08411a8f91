//! Releases as the core decides them, second by second, with requests that fail by chance.

use sluice_core::forecast::Bad;
use sluice_core::release::{Creation, Endpoints, Event, Observation, Phase, Plan, Release, create, step};
use sluice_core::{Counts, ServiceKey, Timestamp};

/// What became of a bad version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// After how many seconds it was found; none when everyone had it before.
    pub(crate) found_after: Option<f64>,
    /// How many of its requests failed.
    pub(crate) failed: u64,
}

/// The traffic of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Requests per second.
    pub(crate) rate: f64,
    /// The share of stable's that fail.
    pub(crate) errors: f64,
    /// Half of stable's take no longer, in milliseconds.
    pub(crate) p50: f64,
    /// The spread of the logarithms of their times.
    pub(crate) sigma: f64,
}

/// Numbers that look random, always the same ones for a seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        // Seeds next to each other must not give the same numbers one place apart.
        Random((seed + 1).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29))
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// Normally distributed, by Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.share()).ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }
}

/// Runs a release of a version that is bad from the first request on.
pub(crate) fn run(plan: &Plan, load: Load, bad: Bad, random: &mut Random) -> Run {
    const DAY: i64 = 24 * 3600;
    let mut now = Timestamp::from_millis(1_000_000_000_000);
    let mut release = create(creation(plan), now).next;
    let (failures, slower) = match bad {
        Bad::Failures(share) => (share, 0.0),
        Bad::Slower(slower) => (load.errors, slower),
    };
    let mut due = 0.0;
    for _ in 0..DAY {
        now = Timestamp::from_millis(now.as_millis() + 1000);
        let share = release.traffic.observed.share().fraction();
        let mut seen = Observation {
            stable_endpoints: Endpoints { ready: 1, total: 1 },
            candidate_endpoints: Endpoints { ready: 1, total: 1 },
            ..Observation::default()
        };
        due += load.rate;
        while due >= 1.0 {
            due -= 1.0;
            let is_candidate = random.happens(share);
            let (counts, failing, factor) = match is_candidate {
                true => (&mut seen.candidate, failures, 1.0 + slower),
                false => (&mut seen.stable, load.errors, 1.0),
            };
            let millis = load.p50 * factor * (load.sigma * random.normal()).exp();
            add(counts, random.happens(failing), millis);
        }
        release = happens(&release, &Event::Observed(seen), now);
        match &release.phase {
            Phase::RollingBack { .. } | Phase::RolledBack { .. } | Phase::Failed { .. } => {
                return ended(&release, Some(now));
            }
            Phase::Paused { .. } => panic!("{}", release.reason),
            Phase::Succeeded { .. } => return ended(&release, None),
            _ => {}
        }
    }
    panic!("after a day it is still {:?}: {}", release.phase, release.reason);
}

fn ended(release: &Release, found: Option<Timestamp>) -> Run {
    let begin = release.started_at.unwrap();
    Run {
        found_after: found.map(|at| at.since(begin).as_millis() as f64 / 1000.0),
        failed: release.exposed.failed,
    }
}

/// The next state, with traffic in force at once.
fn happens(release: &Release, event: &Event, now: Timestamp) -> Release {
    let mut next = step(release, event, now).next;
    while next.traffic.observed_change != next.traffic.desired_change {
        next = step(&next, &Event::TrafficInForce { change: next.traffic.desired_change }, now).next;
    }
    next
}

fn add(counts: &mut Counts, is_failed: bool, millis: f64) {
    counts.requests += 1;
    counts.responses[if is_failed { 4 } else { 1 }] += 1;
    // Every request is another visitor's.
    counts.failed_visitors += u64::from(is_failed);
    counts.latency.record((millis * 1000.0) as u64);
}

fn creation(plan: &Plan) -> Creation {
    let service =
        ServiceKey { environment: "production".parse().unwrap(), name: "checkout".parse().unwrap() };
    Creation {
        name: "checkout-1".parse().unwrap(),
        service,
        from: "1.0.0".parse().unwrap(),
        to: "1.1.0".parse().unwrap(),
        companions: Vec::new(),
        plan: plan.clone(),
        reshuffle: false,
        behind: None,
        actor: "test".to_owned(),
        reason: None,
        override_reason: None,
    }
}
