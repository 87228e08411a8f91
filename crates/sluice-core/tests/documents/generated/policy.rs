//! Policies of every form that the decoder takes.

use std::collections::BTreeSet;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sluice_core::document::policy::{
    Approval, AudienceRule, Bound, CheckSpec, CheckUnit, CompareWith, Comparison, Confidence, Gradually,
    Hold, Hook, Judge, Mitigation, OnInconclusive, OnNewer, Percent, PointOfNoReturn, PolicySpec, Quantile,
    Ramp, Rebalance, RiskBudget, SecretSource, ShadowSpec, StepSpec, StepWork, Threshold, Tolerance,
    VersionGate, WebhookGate,
};
use sluice_core::{Name, Span, Weight};

use super::{name, need, span};

fn hook() -> impl Strategy<Value = Hook> {
    let url = select(vec!["https://ci.example.com/verdict?a=b", "http://127.0.0.1:9999", "http://[::1]/x"]);
    let secret =
        prop_oneof!["[A-Z_]{1,9}".prop_map(SecretSource::Env), "/[a-z]{1,9}".prop_map(SecretSource::File),];
    (url, option::of(secret), span()).prop_map(|(url, secret, timeout)| Hook {
        url: url.parse().unwrap(),
        secret,
        timeout,
    })
}

fn hold() -> impl Strategy<Value = Hold> {
    (0..100_000_000_u64, any::<u32>(), any::<bool>()).prop_map(|(time, requests, until_promoted)| Hold {
        time: Span::from_millis(time),
        requests: requests.into(),
        until_promoted,
    })
}

/// Anything but a point of no return, of which there is one at most.
fn gate() -> impl Strategy<Value = StepWork> {
    let roles = prop::collection::btree_set(name(), 1..3);
    let approval = (roles, 1..5_u32, span(), any::<bool>()).prop_map(|(roles, count, expires, four_eyes)| {
        StepWork::Approval(Approval { roles: roles.into_iter().collect(), count, expires, four_eyes })
    });
    let webhook = (hook(), span(), span()).prop_map(|(hook, one, other)| {
        StepWork::Webhook(WebhookGate { hook, every: one.min(other), expires: one.max(other) })
    });
    let wait_for = (name(), need(), span())
        .prop_map(|(service, version, expires)| StepWork::WaitFor(VersionGate { service, version, expires }));
    prop_oneof![approval, webhook, wait_for]
}

/// A step that shows the candidate to this share of everyone, in one way or another.
#[derive(Clone, Debug)]
struct Show {
    way: u8,
    hold: Hold,
    over: Span,
    requests: u64,
    failed: u64,
    before: Vec<StepWork>,
}

fn show() -> impl Strategy<Value = Show> {
    let shadow = ((1..=Weight::PARTS), any::<bool>(), hold()).prop_map(|(parts, unsafe_methods, hold)| {
        let shadow = ShadowSpec { percent: Percent(parts.try_into().unwrap()), unsafe_methods };
        StepWork::Shadow { shadow, hold }
    });
    let before = prop::collection::vec(prop_oneof![gate(), shadow], 0..2);
    (0..4_u8, hold(), span(), any::<u64>(), 1..u64::MAX, before).prop_map(
        |(way, hold, over, requests, failed, before)| Show { way, hold, over, requests, failed, before },
    )
}

fn work(show: &Show, below: u32, parts: u32, audience: Vec<AudienceRule>, exclude: &[Name]) -> StepWork {
    let percent = |parts: u32| Percent(parts.try_into().unwrap());
    let exclude = exclude.to_vec();
    let ramp = match show.way {
        0 => return StepWork::Expose { audience, exclude, hold: show.hold },
        1 => Ramp::Linear { from: percent(below), to: percent(parts), over: show.over },
        2 => {
            let middle = below + (parts - below) / 2;
            let shares =
                [middle, parts].into_iter().filter(|share| *share > below).collect::<BTreeSet<u32>>();
            let percents = shares.into_iter().map(percent).collect();
            Ramp::Through { percents, every: show.over, requests: show.requests }
        }
        _ => Ramp::Budget { to: percent(parts), budget: RiskBudget { failed_requests: show.failed } },
    };
    StepWork::Ramp { ramp, exclude, hold: show.hold }
}

/// Steps that only add people: shares of everyone that grow, beside segments that stay, with gates between them.
fn steering() -> impl Strategy<Value = Vec<StepWork>> {
    let segments = |prefix: &'static str| {
        prop::collection::btree_set(name(), 0..2).prop_map(move |names| -> Vec<Name> {
            names.iter().map(|name| format!("{prefix}-{name}").parse().unwrap()).collect()
        })
    };
    let shares = prop::collection::btree_map(1..=Weight::PARTS, show(), 2..5);
    (segments("in"), segments("out"), shares, option::of(".{1,9}[a-z]")).prop_map(
        |(include, exclude, shares, no_return)| {
            let mut steps = Vec::new();
            let mut below = 0;
            for (parts, show) in shares {
                let of_segments = include.iter().map(|segment| AudienceRule {
                    segment: Some(segment.clone()),
                    percent: Percent::default(),
                });
                let everyone = AudienceRule { segment: None, percent: Percent(parts.try_into().unwrap()) };
                steps.extend(show.before.clone());
                let audience = of_segments.chain([everyone]).collect();
                steps.push(work(&show, below, parts, audience, &exclude));
                below = parts;
            }
            let point = no_return.map(|reason| StepWork::PointOfNoReturn(PointOfNoReturn { reason }));
            let last = steps.len() - 1;
            steps.splice(last..last, point);
            steps
        },
    )
}

fn watching() -> impl Strategy<Value = Vec<StepWork>> {
    let watch = hold().prop_map(|hold| StepWork::Watch { hold });
    (watch, gate(), hold()).prop_map(|(first, gate, hold)| vec![first, gate, StepWork::Watch { hold }])
}

/// Answers to trouble; those that move people only where people are moved.
fn mitigation(moves: bool) -> impl Strategy<Value = Mitigation> {
    let plain = prop_oneof![
        Just(Mitigation::Rollback),
        Just(Mitigation::Pause),
        hook().prop_map(Mitigation::Redeploy),
    ];
    let moving = prop_oneof![
        span().prop_map(|over| Mitigation::RollbackGradually(Gradually { over })),
        (1..9_u32).prop_map(|times| Mitigation::Rebalance(Rebalance { step: "s0".parse().unwrap(), times })),
    ];
    (plain, moving, any::<bool>())
        .prop_map(move |(plain, moving, wants)| if moves && wants { moving } else { plain })
}

fn inconclusive(moves: bool) -> impl Strategy<Value = OnInconclusive> {
    (span(), mitigation(moves)).prop_map(|(wait, then)| OnInconclusive { wait, then })
}

fn check(moves: bool) -> impl Strategy<Value = CheckSpec> {
    let tolerance = prop_oneof![
        (0..99_000_u32).prop_map(|n| Tolerance::try_from(format!("{}pp", f64::from(n) / 1000.0)).unwrap()),
        (0..900_000_u32).prop_map(|n| Tolerance::try_from(format!("{}%", f64::from(n) / 1000.0)).unwrap()),
    ];
    let confidence = (50_001..99_999_u32)
        .prop_map(|n| Confidence::try_from(format!("{}%", f64::from(n) / 1000.0)).unwrap());
    let with = select(vec![CompareWith::Stable, CompareWith::Before]);
    let compare = (with, tolerance, confidence).prop_map(|(compare, tolerate, confidence)| {
        Judge::Compare(Comparison { compare, tolerate, confidence })
    });
    let bound = |low: u32, unit: &'static str| {
        (low..low + 50_000)
            .prop_map(move |n| Bound::try_from(format!("{}{unit}", f64::from(n) / 1000.0)).unwrap())
    };
    let threshold = select(vec!["%", "ms", ""])
        .prop_flat_map(move |unit| {
            (option::of(bound(50_000, unit)), bound(0, unit), span(), any::<u64>(), any::<bool>())
        })
        .prop_map(|(max, min, window, sample, has_min)| {
            let min = (has_min || max.is_none()).then_some(min);
            Judge::Threshold(Threshold { max, min, window, sample })
        });
    // The names begin with an `x`, so that none is built in; what fits them is for the other documents to say.
    let quantile = (1..99_999_u32).prop_map(|n| Quantile::try_from(f64::from(n) / 100_000.0).unwrap());
    let answers = (option::of(mitigation(moves)), option::of(inconclusive(moves)));
    let path = option::of("/[a-z]{1,5}".prop_map(|path| path.parse().unwrap()));
    let unit = option::of(select(vec![CheckUnit::Request, CheckUnit::User]));
    let of = (option::of(name()), path, unit);
    (name(), of, option::of(quantile), prop_oneof![compare, threshold], answers).prop_map(
        |(metric, (service, path, unit), quantile, judge, (on_fail, on_inconclusive))| CheckSpec {
            metric,
            service,
            path,
            unit,
            quantile,
            judge,
            on_fail,
            on_inconclusive,
        },
    )
}

fn with_steps(steps: impl Strategy<Value = Vec<StepWork>>, moves: bool) -> impl Strategy<Value = PolicySpec> {
    let on_newer = select(vec![OnNewer::Supersede, OnNewer::Queue, OnNewer::Refuse]);
    let never = prop::collection::btree_set(name(), 0..=if moves { 2 } else { 0 });
    let checks = prop::collection::vec(check(moves), 0..4);
    let answers = (mitigation(moves), inconclusive(moves), on_newer);
    (option::of(".{0,9}"), steps, never, checks, answers, span(), span()).prop_map(
        |(description, steps, never, checks, answers, keep_previous, ready_within)| PolicySpec {
            description,
            steps: steps
                .into_iter()
                .enumerate()
                .map(|(index, work)| StepSpec { name: format!("s{index}").parse().unwrap(), work })
                .collect(),
            exclude_until_end: never.into_iter().collect(),
            checks,
            on_fail: answers.0,
            on_inconclusive: answers.1,
            on_newer: answers.2,
            keep_previous,
            ready_within,
        },
    )
}

pub(super) fn policy() -> impl Strategy<Value = PolicySpec> {
    prop_oneof![4 => with_steps(steering(), true), 1 => with_steps(watching(), false)]
}
