//! Checks of what others measure, of other services, and what is said about them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use sluice_core::document::{self, Spec};
use sluice_core::release::status::{PhaseName, Verdict};
use sluice_core::release::{
    Amount, Creation, Endpoints, Event, Observation, Past, Plan, Reading, Release, Taken, create, step,
};
use sluice_core::stats::{Histogram, Trials};
use sluice_core::{Counts, ServiceKey, Timestamp, builtin};

const METRICS: &str = r#"
kind: Metric
metadata: { name: orders.failed }
spec:
  kind: ratio
  worse: higher
  source: { sql: { url: "sqlite:/data/shop.db", query: "select count(*) as total, 0 as bad from orders where version = :version" } }
---
kind: Metric
metadata: { name: orders.placed }
spec: { kind: rate, worse: lower, source: { prometheus: { counter: orders_total, labels: { version: "{{version}}" } } } }
---
kind: Metric
metadata: { name: order.value }
spec: { kind: mean, unit: EUR, worse: lower, source: { otlp: { instrument: order.value } } }
---
kind: Metric
metadata: { name: queue.length }
spec: { kind: gauge, worse: higher, source: { json: { url: "http://shop.example/queue", pointers: { value: /length } } } }
"#;

/// A release whose only step shows the candidate to half of everyone, with these checks.
struct Trial {
    release: Release,
    now: Timestamp,
}

impl Trial {
    fn new(checks: &str) -> Trial {
        let policy = format!(
            "kind: Policy\nmetadata: {{ name: half }}\nspec:\n  steps: [ {{ name: half, audience: [ {{ percent: 50 }} ], hold: {{ time: 10m }} }} ]\n  checks: {checks}\n"
        );
        let mut metrics = builtin::metrics().clone();
        for read in document::parse_yaml(METRICS).unwrap() {
            if let Spec::Metric(metric) = read.spec {
                metrics.insert(read.metadata.name, metric);
            }
        }
        let read = document::parse_yaml(&policy).unwrap_or_else(|problems| panic!("{problems}"));
        let Some(Spec::Policy(spec)) = read.into_iter().next().map(|read| read.spec) else {
            panic!("no policy")
        };
        let plan = Plan::new(&"half".parse().unwrap(), &spec, &metrics).unwrap();
        let creation = Creation {
            name: "shop-2.1.0-1".parse().unwrap(),
            service: ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() },
            from: "2.0.3".parse().unwrap(),
            to: "2.1.0".parse().unwrap(),
            companions: Vec::new(),
            plan,
            reshuffle: false,
            behind: None,
            actor: "ada".to_owned(),
            reason: None,
            override_reason: None,
        };
        let now = Timestamp::from_millis(1_000_000_000);
        let release = create(creation, now).next;
        let mut trial = Trial { release, now };
        trial.look(None);
        trial.happens(&Event::TrafficInForce { change: trial.release.traffic.desired_change });
        trial
    }

    fn happens(&mut self, event: &Event) {
        self.release = step(&self.release, event, self.now).next;
    }

    /// A second passes in which each version answered 50 requests, and the first check was given this.
    fn look(&mut self, reading: Option<Reading>) {
        self.look_with(reading, [25, 25]);
    }

    fn look_with(&mut self, reading: Option<Reading>, new_visitors: [u64; 2]) {
        let counts = |new_visitors| {
            let mut latency = Histogram::default();
            latency.add(Histogram::bucket_of(50_000), 50);
            Counts { requests: 50, responses: [0, 50, 0, 0, 0], latency, new_visitors, ..Counts::default() }
        };
        let ready = Endpoints { ready: 1, total: 1 };
        let seen = Observation {
            stable: counts(new_visitors[0]),
            candidate: counts(new_visitors[1]),
            stable_endpoints: ready,
            candidate_endpoints: ready,
            readings: BTreeMap::from_iter(reading.map(|reading| (0, reading))),
            ..Observation::default()
        };
        self.now = self.now.after("1s".parse().unwrap());
        self.happens(&Event::Observed(seen));
    }

    fn taken(&self, stable: Amount, candidate: Amount) -> Option<Reading> {
        let taken = vec![Taken { until: self.now, stable, candidate }];
        Some(Reading { taken, ..Reading::default() })
    }

    fn verdict(&self) -> (Verdict, String) {
        let verdict = self.release.status().verdicts.swap_remove(0);
        (verdict.verdict, verdict.text)
    }
}

fn trials(n: u64, k: u64) -> Amount {
    Amount::Trials(Trials::new(n, k))
}

fn events(events: u64) -> Amount {
    Amount::Events { events, seconds: 1.0 }
}

fn values(unit: u64, count: u64) -> Amount {
    let mut values = Histogram::default();
    values.add(Histogram::bucket_of(unit * 1000), count);
    Amount::Values(values)
}

#[test]
fn a_metric_that_was_never_read_is_inconclusive_and_not_a_pass() {
    let mut trial = Trial::new("[ { metric: orders.failed, compare: stable, tolerate: 1pp } ]");
    (0..60).for_each(|_| trial.look(None));
    let (verdict, text) = trial.verdict();
    assert_eq!(verdict, Verdict::Inconclusive);
    assert_eq!(text, "orders.failed cannot be judged, because nothing was measured of it yet");
}

#[test]
fn a_source_that_goes_away_makes_a_pass_inconclusive_with_its_reason_and_comes_back() {
    let mut trial = Trial::new("[ { metric: orders.failed, compare: stable, tolerate: 1pp } ]");
    for _ in 0..20 {
        let reading = trial.taken(trials(50, 0), trials(50, 0));
        trial.look(reading);
    }
    assert_eq!(trial.verdict().0, Verdict::Pass);
    let trouble = Some("the database did not answer within 5s".to_owned());
    trial.look(Some(Reading { trouble, ..Reading::default() }));
    let (verdict, text) = trial.verdict();
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(text.ends_with("the database did not answer within 5s"), "{text}");
    let reading = trial.taken(trials(50, 0), trials(50, 0));
    trial.look(reading);
    assert_eq!(trial.verdict().0, Verdict::Pass);
}

#[test]
fn a_ratio_that_others_measure_takes_people_back() {
    let mut trial = Trial::new("[ { metric: orders.failed, compare: stable, tolerate: 1pp } ]");
    for _ in 0..30 {
        let reading = trial.taken(trials(50, 1), trials(50, 15));
        trial.look(reading);
    }
    assert_eq!(trial.release.phase.name(), PhaseName::RollingBack, "{:?}", trial.verdict());
}

#[test]
fn a_margin_that_is_proved_kept_is_told_from_no_sign_of_harm() {
    let mut trial = Trial::new("[ { metric: orders.failed, compare: stable, tolerate: 5pp } ]");
    let reading = trial.taken(trials(50, 0), trials(50, 0));
    trial.look(reading);
    let early = trial.release.account(trial.now);
    assert_eq!((early.checks[0].verdict, early.checks[0].is_proved), (Verdict::Pass, false));
    for _ in 0..60 {
        let reading = trial.taken(trials(50, 0), trials(50, 0));
        trial.look(reading);
    }
    let later = trial.release.account(trial.now);
    assert!(later.checks[0].is_proved, "{later}");
    assert!(later.checks[0].text.contains("it is proved not to be more than 5 percentage points worse"));
}

#[test]
fn fewer_events_per_request_are_found_where_less_is_worse() {
    let mut trial = Trial::new("[ { metric: orders.placed, compare: stable, tolerate: 10% } ]");
    for _ in 0..200 {
        let reading = trial.taken(events(5), events(1));
        trial.look(reading);
    }
    assert_eq!(trial.release.phase.name(), PhaseName::RollingBack, "{:?}", trial.verdict());
    let mut better = Trial::new("[ { metric: orders.placed, compare: stable, tolerate: 10% } ]");
    for _ in 0..200 {
        let reading = better.taken(events(1), events(5));
        better.look(reading);
    }
    assert_eq!(better.verdict().0, Verdict::Pass, "{:?}", better.verdict());
}

#[test]
fn orders_that_are_worth_less_are_found() {
    let mut trial = Trial::new("[ { metric: order.value, compare: stable, tolerate: 5% } ]");
    for _ in 0..300 {
        let reading = trial.taken(values(40, 10), values(20, 10));
        trial.look(reading);
    }
    assert_eq!(trial.release.phase.name(), PhaseName::RollingBack, "{:?}", trial.verdict());
}

#[test]
fn a_gauge_is_judged_by_its_latest_value() {
    let mut trial = Trial::new("[ { metric: queue.length, max: 100, onFail: pause } ]");
    let reading = trial.taken(Amount::Nothing, Amount::Gauge(40.0));
    trial.look(reading);
    assert_eq!(trial.verdict().0, Verdict::Pass);
    let reading = trial.taken(Amount::Nothing, Amount::Gauge(140.0));
    trial.look(reading);
    assert_eq!(trial.release.phase.name(), PhaseName::Paused);
}

#[test]
fn another_service_that_is_hurt_is_found_against_its_own_past() {
    let mut trial =
        Trial::new("[ { metric: http.errors, service: payments, compare: before, tolerate: 0.5pp } ]");
    // One of 200 requests fails, give or take, in each block of the hour before.
    let recent = (0..360).map(|block| trials(200, (block * 7) % 4)).collect();
    trial.look(Some(Reading { past: Some(Past { recent, same_time: Vec::new() }), ..Reading::default() }));
    for _ in 0..120 {
        let reading = trial.taken(Amount::Nothing, trials(20, 0));
        trial.look(reading);
    }
    assert_eq!(trial.verdict().0, Verdict::Pass, "{:?}", trial.verdict());
    for _ in 0..120 {
        let reading = trial.taken(Amount::Nothing, trials(20, 4));
        trial.look(reading);
    }
    assert_eq!(trial.release.phase.name(), PhaseName::RollingBack, "{:?}", trial.verdict());
    assert!(trial.verdict().1.contains("http.errors of payments"), "{:?}", trial.verdict());
}

#[test]
fn the_released_service_itself_may_be_compared_with_its_past_too() {
    let mut trial = Trial::new("[ { metric: http.errors, compare: before, tolerate: 0.5pp } ]");
    let recent = (0..60).map(|block| trials(200, block % 3)).collect();
    trial.look(Some(Reading { past: Some(Past { recent, same_time: Vec::new() }), ..Reading::default() }));
    for _ in 0..120 {
        let reading = trial.taken(Amount::Nothing, trials(20, 4));
        trial.look(reading);
    }
    assert_eq!(trial.release.phase.name(), PhaseName::RollingBack, "{:?}", trial.verdict());
}

#[test]
fn a_past_that_is_too_short_is_said() {
    let mut trial =
        Trial::new("[ { metric: http.errors, service: payments, compare: before, tolerate: 0.5pp } ]");
    let past = Past { recent: vec![trials(20, 0); 3], same_time: Vec::new() };
    trial.look(Some(Reading { past: Some(past), ..Reading::default() }));
    let (verdict, text) = trial.verdict();
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(text.contains("of which 30s are known"), "{text}");
}

#[test]
fn a_split_that_is_not_as_asked_for_makes_comparisons_inconclusive() {
    let mut trial = Trial::new("[ { metric: http.errors, compare: stable, tolerate: 0.5pp } ]");
    (0..60).for_each(|_| trial.look_with(None, [25, 25]));
    assert_eq!(trial.verdict().0, Verdict::Pass);
    (0..60).for_each(|_| trial.look_with(None, [35, 15]));
    let (verdict, text) = trial.verdict();
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(text.contains("new visitors are not split as asked for"), "{text}");
}

#[test]
fn one_alpha_is_shared_by_all_checks_of_all_services() {
    let trial = Trial::new(
        "[ { metric: http.errors, compare: stable, confidence: 95% }, { metric: http.latency, quantile: 0.95, compare: stable, confidence: 99% }, { metric: http.errors, max: 5% } ]",
    );
    for services in 1..4 {
        let alphas = trial.release.plan.alphas(services);
        let sum: f64 = alphas.iter().sum::<f64>() * services as f64;
        assert!((sum - 0.05).abs() < 1e-9, "{alphas:?}");
        assert!(alphas[1] <= 0.01 && alphas[2] == 0.0, "{alphas:?}");
    }
}

#[test]
fn an_account_says_method_numbers_and_what_would_change_it() {
    let mut trial = Trial::new("[ { metric: http.errors, compare: stable, tolerate: 0.5pp } ]");
    (0..60).for_each(|_| trial.look(None));
    let account = trial.release.account(trial.now);
    let written = serde_json::to_value(&account).unwrap();
    assert_eq!(serde_json::from_value::<sluice_core::release::Account>(written).unwrap(), account);
    let check = &account.checks[0];
    let evidence = check.evidence.expect("a test decides");
    assert!(evidence.now < 2.0 && (evidence.needed - 100.0).abs() < 1e-6, "{evidence:?}");
    let interval = check.interval.expect("both versions were seen");
    let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
    assert!(low < 0.0 && 0.0 < high && high < 0.01, "{interval:?}");
    assert!(check.method.source.as_ref().unwrap().contains("2106.02693"));
    assert!(check.change.starts_with("It fails when the evidence against the candidate reaches 100"));
}
