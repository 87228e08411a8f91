//! Releases, and what may happen to them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sluice_core::calendar::{Closed, Openness, Zone};
use sluice_core::release::status::Verb;
use sluice_core::release::{
    Command, CompanionSpec, Creation, Endpoints, Event, HookAnswer, Observation, Plan, Release, Seen,
    Surroundings, Transition, crashed, create, step,
};
use sluice_core::stats::Histogram;
use sluice_core::{Counts, Name, ServiceKey, Timestamp, builtin, document};

pub(crate) const BEGIN: Timestamp = Timestamp::from_millis(1_000_000_000);

/// Something that happens.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Happens(Box<Event>),
    /// The last change of traffic is in force.
    Confirmed,
    /// The last call of a webhook is answered.
    Answered(HookAnswer),
    Crashed,
}

pub(crate) fn happens(event: Event) -> Act {
    Act::Happens(Box::new(event))
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

const STEPS: [&str; 10] = [
    "[{ name: a, audience: [ { percent: 5 } ], hold: { time: 5s, requests: 20 } }, { name: b, audience: [ { percent: 100 } ], hold: { time: 3s } }]",
    "[{ name: a, audience: [ { percent: 0 } ] }, { name: b, audience: [ { percent: 5 } ] }, { name: c, audience: [ { percent: 5 } ], hold: { untilPromoted: true } }, { name: d, audience: [ { percent: 50 } ] }]",
    "[{ name: a, audience: [ { percent: 100 } ], hold: { time: 2s } }]",
    "[{ name: a, audience: [ { segment: staff } ], exclude: [ vip ] }, { name: b, audience: [ { segment: staff }, { percent: 10 } ], exclude: [ vip ], hold: { requests: 5 } }]",
    "[{ name: a, audience: [ { percent: 1 } ], hold: { time: 1h } }]",
    "[{ name: a, audience: [ { percent: 5 } ] }, { name: ask, approval: { roles: [ ops ], count: 2, expires: 20s } }, { name: qa, webhook: { url: 'http://qa.example/', every: 3s, expires: 20s } }, { name: c, audience: [ { percent: 50 } ], hold: { time: 3s } }]",
    "[{ name: a, audience: [ { percent: 5 } ] }, { name: needs, waitFor: { service: payments, version: '>=1.4.0', expires: 20s } }, { name: migrate, pointOfNoReturn: { reason: data was moved } }, { name: c, audience: [ { percent: 50 } ], hold: { time: 3s } }]",
    "[{ name: a, shadow: { percent: 10 }, hold: { requests: 5 } }, { name: b, ramp: { from: 5, to: 10, over: 6s } }, { name: ask, approval: { roles: [ ops ], fourEyes: false, expires: 20s } }]",
    "[{ name: a, audience: [ { segment: staff } ] }, { name: b, ramp: { through: [ 1, 10, 50 ], every: 2s, requests: 5 }, hold: { time: 3s } }, { name: c, ramp: { to: 100, riskBudget: { failedRequests: 40 } } }]",
    "[{ name: a, watch: { time: 3s } }, { name: ask, approval: { roles: [ ops ], expires: 20s } }]",
];

const CHECKS: [&str; 5] = [
    "[]",
    "[{ metric: http.errors, compare: stable, tolerate: 0.5pp }, { metric: http.errors, max: 5%, sample: 5 }]",
    "[{ metric: http.latency, quantile: 0.95, compare: stable, tolerate: 20% }, { metric: http.latency, quantile: 0.99, max: 1s, sample: 5, window: 5s }, { metric: http.requests, min: 1, window: 4s }]",
    "[{ metric: health.ready, min: 50% }]",
    "[{ metric: http.errors, max: 5%, sample: 5, onFail: pause }, { metric: http.errors, max: 50%, sample: 5, onFail: { redeploy: { url: 'http://ci.example/' } }, onInconclusive: { wait: 3s, then: rollback } }]",
];

const ANSWERS: [&str; 5] = [
    "rollback",
    "pause",
    "{ rollbackGradually: { over: 5s } }",
    "{ rebalance: { step: a } }",
    "{ redeploy: { url: 'http://ci.example/' } }",
];

/// Which of the policies above: steps, checks, on fail, on inconclusive, on a newer one, and whether it is kept.
pub(crate) type Choice = (usize, usize, usize, usize, usize, bool);

pub(crate) fn plan((steps, checks, on_fail, then, newer, keeps): Choice) -> Plan {
    // A plan of one step has no lower one, and one that only watches moves nobody.
    let answer = |index: usize| match steps {
        2 | 4 => ANSWERS[index % 3],
        9 => ANSWERS[[0, 1, 4][index % 3]],
        _ => ANSWERS[index],
    };
    let text = format!(
        "apiVersion: sluice.dev/v1alpha1\nkind: Policy\nmetadata: {{ name: any }}\nspec:\n  steps: {}\n  checks: {}\n  \
         onFail: {}\n  onInconclusive: {{ wait: 4s, then: {} }}\n  onNewer: {}\n  keepPrevious: {}\n  readyWithin: 8s\n",
        STEPS[steps],
        CHECKS[checks],
        answer(on_fail),
        answer(then),
        ["supersede", "queue", "refuse"][newer],
        if keeps { "6s" } else { "0s" },
    );
    let documents = document::parse_yaml(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let document::Spec::Policy(spec) = &documents[0].spec else { panic!("no policy") };
    Plan::new(&name("any"), spec, builtin::metrics()).unwrap()
}

pub(crate) fn release(choice: Choice, waits: bool, in_company: bool) -> Release {
    let service = |text| ServiceKey { environment: name("production"), name: name(text) };
    let companion = CompanionSpec {
        service: service("payments"),
        from: "1.3.0".parse().unwrap(),
        to: "1.4.0".parse().unwrap(),
    };
    let creation = Creation {
        name: name("checkout-2.1.0-1"),
        service: service("checkout"),
        from: "2.0.3".parse().unwrap(),
        to: "2.1.0".parse().unwrap(),
        companions: if in_company { vec![companion] } else { Vec::new() },
        plan: plan(choice),
        reshuffle: false,
        behind: waits.then(|| name("checkout-2.0.4-1")),
        actor: "ci".to_owned(),
        reason: None,
        override_reason: None,
    };
    create(creation, BEGIN).next
}

pub(crate) fn releases() -> impl Strategy<Value = Release> {
    let choice =
        (0..STEPS.len(), 0..CHECKS.len(), 0..ANSWERS.len(), 0..ANSWERS.len(), 0..3_usize, any::<bool>());
    (choice, any::<bool>(), prop_oneof![3 => Just(false), 1 => Just(true)])
        .prop_map(|(choice, waits, in_company)| release(choice, waits, in_company))
}

fn counts() -> impl Strategy<Value = Counts> {
    // More than a data plane counts in a thousand years, and far from where totals of several looks no longer fit.
    let number = || prop_oneof![6 => 0_u64..60, 2 => Just(0_u64), 1 => 0_u64..1 << 48];
    let parts = (number(), proptest::array::uniform5(number()), number(), number());
    let times = proptest::collection::vec((0_u16..900, number()), 0..4);
    (parts, times, any::<bool>()).prop_map(|((requests, responses, resets, cancelled), times, adds_up)| {
        let mut latency = Histogram::default();
        times.into_iter().for_each(|(bucket, count)| latency.add(bucket, count));
        let all =
            responses.iter().fold(resets.saturating_add(cancelled), |sum, class| sum.saturating_add(*class));
        Counts {
            requests: if adds_up { all } else { requests },
            responses,
            resets,
            cancelled,
            latency,
            failed_visitors: responses[4].saturating_add(resets) / 2,
            new_visitors: 0,
        }
    })
}

fn endpoints() -> impl Strategy<Value = Endpoints> {
    prop_oneof![
        5 => Just(Endpoints { ready: 2, total: 2 }),
        2 => Just(Endpoints { ready: 0, total: 2 }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(ready, total)| Endpoints { ready, total }),
    ]
}

pub(crate) fn answered(requests: u64, failed: u64) -> Counts {
    let mut latency = Histogram::default();
    latency.add(Histogram::bucket_of(50_000), requests);
    Counts {
        requests,
        responses: [0, requests - failed, 0, 0, failed],
        failed_visitors: failed,
        latency,
        ..Counts::default()
    }
}

/// What is seen of every service when all is as it should be, but for failed requests and what is not ready.
pub(crate) fn seen(failed: u64, stable_ready: bool, candidate_ready: bool) -> Observation {
    let endpoints = |ready: bool| Endpoints { ready: if ready { 2 } else { 0 }, total: 2 };
    let of_one = Seen {
        stable: answered(100, 0),
        candidate: answered(50, failed),
        stable_endpoints: endpoints(stable_ready),
        candidate_endpoints: endpoints(candidate_ready),
        readings: BTreeMap::new(),
    };
    Observation {
        stable: of_one.stable.clone(),
        candidate: of_one.candidate.clone(),
        stable_endpoints: of_one.stable_endpoints,
        candidate_endpoints: of_one.candidate_endpoints,
        readings: BTreeMap::new(),
        companions: vec![of_one],
        calendar: Openness::default(),
        live: BTreeMap::from([(name("payments"), "1.4.2".parse().unwrap())]),
    }
}

/// Everything is ready and open, and all versions answer well.
pub(crate) fn all_is_well() -> Observation {
    seen(0, true, true)
}

pub(crate) fn closed() -> Openness {
    let until = Timestamp::from_millis(2_000_000_000);
    Openness::Closed { why: Closed::Freeze { reason: None, until, zone: Zone::UTC }, opens_at: Some(until) }
}

fn calendars() -> impl Strategy<Value = Openness> {
    prop_oneof![4 => Just(Openness::default()), 1 => Just(closed())]
}

fn surroundings() -> Surroundings {
    Surroundings {
        live: "2.0.3".parse().unwrap(),
        other: None,
        version_exists: true,
        companions: vec!["1.3.0".parse().unwrap()],
        roles: vec![name("ops")],
        may_override: true,
    }
}

/// Somebody with every right wants something, and says why.
pub(crate) fn command(verb: Verb, actor: &str) -> Event {
    let reason = Some("it must be".to_owned());
    Event::Command(Command { verb, actor: actor.to_owned(), reason, surroundings: surroundings() })
}

fn verbs() -> impl Strategy<Value = Event> {
    let live = prop_oneof![Just("2.0.3"), Just("2.1.0")];
    let who = prop_oneof![Just("ada"), Just("bob"), Just("ci")];
    let facts = proptest::array::uniform5(any::<bool>());
    (0..Verb::ALL.len(), live, who, facts).prop_map(|(verb, live, actor, facts)| {
        let [alone, exists, has_role, may_override, says_why] = facts;
        let surroundings = Surroundings {
            live: live.parse().unwrap(),
            other: (!alone).then(|| name("checkout-2.2.0-1")),
            version_exists: exists,
            roles: if has_role { vec![name("ops")] } else { Vec::new() },
            may_override,
            ..surroundings()
        };
        let reason = says_why.then(|| "so".to_owned());
        Event::Command(Command { verb: Verb::ALL[verb], actor: actor.to_owned(), reason, surroundings })
    })
}

fn hook_answers() -> impl Strategy<Value = HookAnswer> {
    prop_oneof![
        3 => Just(HookAnswer::Pass(None)),
        1 => Just(HookAnswer::Fail(Some("the basket is empty".to_owned()))),
        1 => Just(HookAnswer::Wait(None)),
        1 => Just(HookAnswer::Taken { instead: "204".to_owned() }),
        2 => Just(HookAnswer::Broken { why: "connection refused".to_owned() }),
    ]
}

fn observations() -> impl Strategy<Value = Observation> {
    let of_one = || {
        (counts(), counts(), endpoints(), endpoints()).prop_map(
            |(stable, candidate, stable_endpoints, candidate_endpoints)| Seen {
                stable,
                candidate,
                stable_endpoints,
                candidate_endpoints,
                readings: BTreeMap::new(),
            },
        )
    };
    let live = prop_oneof![Just("1.3.9"), Just("1.4.0")];
    (of_one(), of_one(), calendars(), live).prop_map(|(own, companion, calendar, live)| Observation {
        stable: own.stable,
        candidate: own.candidate,
        stable_endpoints: own.stable_endpoints,
        candidate_endpoints: own.candidate_endpoints,
        readings: BTreeMap::new(),
        companions: vec![companion],
        calendar,
        live: BTreeMap::from([(name("payments"), live.parse().unwrap())]),
    })
}

pub(crate) fn turn(live: &str) -> Event {
    Event::Turn { live: live.parse().unwrap(), companions: vec!["1.3.0".parse().unwrap()] }
}

pub(crate) fn newer() -> Event {
    Event::Newer { by: name("checkout-2.2.0-1") }
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => observations().prop_map(|seen| happens(Event::Observed(seen))),
        8 => Just(happens(Event::Observed(all_is_well()))),
        6 => Just(Act::Confirmed),
        4 => verbs().prop_map(happens),
        3 => Just(happens(command(Verb::Promote, "ada"))),
        2 => prop_oneof![Just("ada"), Just("bob")].prop_map(|who| happens(command(Verb::Approve, who))),
        3 => hook_answers().prop_map(Act::Answered),
        1 => (0_u64..4, hook_answers())
            .prop_map(|(number, answer)| happens(Event::HookAnswered { number, answer })),
        1 => (0_u64..8).prop_map(|change| happens(Event::TrafficInForce { change })),
        1 => any::<u64>().prop_map(|change| happens(Event::TrafficInForce { change })),
        1 => Just(happens(newer())),
        1 => prop_oneof![Just("2.0.3"), Just("2.0.4"), Just("2.1.0")].prop_map(|live| happens(turn(live))),
        1 => Just(Act::Crashed),
    ]
}

/// Up to so many acts, each so many milliseconds after the one before; negative for a clock set back.
pub(crate) fn lives(max: usize) -> impl Strategy<Value = Vec<(Act, i64)>> {
    let pause = prop_oneof![8 => Just(1_000_i64), 3 => 0_i64..3_000, 1 => -100_000_i64..10_000_000];
    proptest::collection::vec((acts(), pause), 0..max)
}

pub(crate) fn follow(release: &Release, act: &Act, now: Timestamp) -> Transition {
    match act {
        Act::Happens(event) => step(release, event, now),
        Act::Confirmed => {
            step(release, &Event::TrafficInForce { change: release.traffic.desired_change }, now)
        }
        Act::Answered(answer) => {
            let event = Event::HookAnswered { number: release.calls, answer: answer.clone() };
            step(release, &event, now)
        }
        Act::Crashed => crashed(release, "index out of bounds", now),
    }
}
