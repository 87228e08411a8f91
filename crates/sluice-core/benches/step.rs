//! What one look at a release costs, and how large its state is: `cargo bench -p sluice-core --bench step`.
//!
//! A release under the built-in `canary` (four checks) with a full timeline, at 20, 100 and 1 000 requests a second,
//! the last with a wide spread of latencies: about the most that a release carries.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark measures time and prints it"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use sluice_core::release::status::{TimelineEntry, TimelineKind};
use sluice_core::release::{
    Creation, Endpoints, Event, Observation, Plan, Release, TIMELINE_MAX, create, step,
};
use sluice_core::{Counts, Name, ServiceKey, Span, Timestamp, builtin};

const BATCHES: u32 = 200;
const LOOKS: u32 = 16;

fn main() {
    // Requests a second of stable and of the candidate, and over how many doublings their latencies spread.
    for (called, stable, candidate, doublings) in
        [("silent", 0, 0, 4), ("quiet", 19, 1, 4), ("usual", 95, 5, 4), ("busy", 950, 50, 10)]
    {
        let mut random = 0x9e37_79b9_7f4a_7c15;
        let mut seen = || Event::Observed(observation(stable, candidate, doublings, &mut random));
        let seen: Vec<Event> = (0..64).map(|_| seen()).collect();
        measure(called, &seen);
    }
}

fn measure(called: &str, seen: &[Event]) {
    let (mut release, mut now) = (created(), Timestamp::from_millis(1_795_424_400_000));
    let mut look = |release: &Release, i: usize| {
        now = now.after(Span::from_secs(1));
        step(release, &seen[i % seen.len()], now).next
    };
    // Past the first minute, so that every window is full.
    for i in 0..120 {
        release = look(&release, i);
        let change = release.traffic.desired_change;
        release = step(&release, &Event::TrafficInForce { change }, release.reason_at).next;
    }
    let entry = TimelineEntry {
        at: release.created_at,
        kind: TimelineKind::Waiting,
        text: "Step few waits for data, for another 59m at most: 37 of 500 requests have reached it"
            .to_owned(),
        actor: None,
    };
    release.timeline = Arc::new(vec![entry; TIMELINE_MAX]);
    report(called, &mut release, &mut look);
}

fn report(called: &str, release: &mut Release, look: &mut impl FnMut(&Release, usize) -> Release) {
    let mut i = 0;
    let each = quickest(|| {
        *release = black_box(look(release, i));
        i += 1;
    });
    let clone = quickest(|| {
        black_box(release.clone());
    });
    let json = serde_json::to_string(release).expect("a release can be written");
    println!(
        "{called}: {each:.1} us a look, of which {clone:.1} us is cloning; state {} bytes of JSON; {:?}",
        json.len(),
        release.phase.name()
    );
}

/// Microseconds that it takes in the quickest of many batches: what else runs on the machine only makes them slower.
fn quickest(mut what: impl FnMut()) -> f64 {
    let batch = |_| {
        let begin = Instant::now();
        (0..LOOKS).for_each(|_| what());
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(LOOKS)
    };
    (0..BATCHES).map(batch).fold(f64::INFINITY, f64::min)
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn created() -> Release {
    let policy = name(builtin::DEFAULT_POLICY);
    let plan =
        Plan::new(&policy, &builtin::policies()[&policy], builtin::metrics()).expect("a built-in policy");
    let creation = Creation {
        name: name("checkout-2.1.0-1"),
        service: ServiceKey { environment: name("production"), name: name("checkout") },
        from: "2.0.3".parse().expect("a version"),
        to: "2.1.0".parse().expect("a version"),
        plan,
        reshuffle: false,
        behind: None,
        actor: "ci".to_owned(),
        reason: None,
        companions: Vec::new(),
        override_reason: None,
    };
    create(creation, Timestamp::from_millis(1_795_424_400_000)).next
}

/// So many requests, a thousandth failed, that took from a millisecond to so many doublings of it.
fn observation(stable: u64, candidate: u64, doublings: u64, random: &mut u64) -> Observation {
    let ready = Endpoints { ready: 2, total: 2 };
    Observation {
        stable: counts(stable, doublings, random),
        candidate: counts(candidate, doublings, random),
        stable_endpoints: ready,
        candidate_endpoints: ready,
        ..Observation::default()
    }
}

fn counts(requests: u64, doublings: u64, random: &mut u64) -> Counts {
    let mut counts = Counts { requests, ..Counts::default() };
    for _ in 0..requests {
        // xorshift: any spread will do.
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        counts.responses[if random.is_multiple_of(1_000) { 4 } else { 1 }] += 1;
        let magnitude = (*random >> 20) % doublings;
        counts.latency.record((1_000 << magnitude) + (*random >> 32) % (1_000 << magnitude));
    }
    counts
}
