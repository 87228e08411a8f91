//! What a release under a plan would be able to see, before it begins: how long each step takes until there is a
//! verdict, how soon a bad version would be found, what it would cost until then, and which checks cannot tell at all.
//!
//! Pure, from a plan, the traffic and how bad a version is assumed to be. The figures are expectations: of how evidence
//! grows (Wald's identity, with the excess that was measured for the tests), not of one run. Where a person or another
//! service decides when a step ends, the step is reckoned with a stated time.

mod chance;
mod course;
mod doubt;
mod information;
mod outlook;
mod power;
mod steps;
mod table;
mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::doubt::{Doubt, DoubtCode};
use crate::release::Plan;
use crate::release::status::StepKind;
use crate::{Name, Span, Weight};

/// How bad versions may be that the costs are worked out for.
const LEVELS: [f64; 5] = [0.01, 0.02, 0.05, 0.2, 1.0];

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FigureOrigin)]
pub enum Origin {
    /// Measured, of the traffic now.
    Live,
    /// Whoever asked gave it.
    Given,
    /// Nobody knows; this is a usual one.
    Assumed,
}

/// A figure with where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Where it comes from.
    pub origin: Origin,
}

/// How long stable's requests take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ForecastLatency)]
pub struct Latency {
    /// Half of them take no longer.
    pub p50: f64,
    /// 95 % take no longer.
    pub p95: f64,
    /// 99 % take no longer.
    pub p99: f64,
    /// Where that comes from.
    pub origin: Origin,
}

/// The traffic that a release would meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ForecastTraffic)]
pub struct Traffic {
    /// Requests per second of the service; 0 when none come.
    pub rate: Figure,
    /// The share of stable's requests that fail, as a fraction.
    pub errors: Figure,
    /// How long stable's requests take.
    pub latency: Latency,
    /// How many people come in an hour, each counted once.
    pub visitors: Figure,
    /// How many services are released together: their checks share one chance of a false alarm.
    pub services: u32,
}

impl Traffic {
    /// A service with so many requests per second, and all else as is usual: 0.2 % of requests fail, half of them take
    /// at most 80 ms, and a visitor makes ten in an hour.
    pub fn of_rate(rate: Figure) -> Traffic {
        let assumed = |value| Figure { value, origin: Origin::Assumed };
        Traffic {
            rate,
            errors: assumed(0.002),
            latency: Latency { p50: 80.0, p95: 250.0, p99: 600.0, origin: Origin::Assumed },
            visitors: assumed(rate.value * 3600.0 / REQUESTS_PER_VISITOR),
            services: 1,
        }
    }

    /// How many requests a visitor makes in an hour, at least one.
    fn requests_per_visitor(&self) -> f64 {
        match self.visitors.value > 0.0 {
            true => (self.rate.value * 3600.0 / self.visitors.value).max(1.0),
            false => REQUESTS_PER_VISITOR,
        }
    }
}

/// How many requests a visitor makes in an hour when nobody says.
pub const REQUESTS_PER_VISITOR: f64 = 10.0;

/// How bad a version is assumed to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = AssumedFaults)]
pub struct Assumed {
    /// How many of its requests fail, if its fault is that they do.
    pub failures: Failures,
    /// How much longer its requests take, if its fault is that they do: 0.5 is half as long again.
    pub slower: f64,
}

/// How many requests of a bad version fail.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AssumedFailures)]
pub enum Failures {
    /// This part of all, as a fraction.
    Share(f64),
    /// So many times as many as of stable.
    Times(f64),
}

/// One in twenty requests fails; or they take half as long again.
impl Default for Assumed {
    fn default() -> Assumed {
        Assumed { failures: Failures::Share(0.05), slower: 0.5 }
    }
}

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Fault)]
pub enum Bad {
    /// This part of its requests fails, as a fraction.
    Failures(f64),
    /// Its requests take longer by this part.
    Slower(f64),
}

/// What a release would be able to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    /// The policy.
    pub policy: Name,
    /// The traffic that it was worked out for.
    pub traffic: Traffic,
    /// How bad a version was assumed to be.
    pub assumed: Assumed,
    /// The steps, in order.
    pub steps: Vec<StepForecast>,
    /// How long the release takes if nothing is wrong; steps of which somebody decides when they end are left out.
    pub takes: Span,
    /// The steps of which nobody can tell how long they take, and why.
    pub undecided: Vec<String>,
    /// What would become of a version that fails as assumed.
    pub failing: Outcome,
    /// What would become of a version that is slower as assumed.
    pub slower: Outcome,
    /// What would become of versions of which 1 %, 2 %, 5 %, 20 % or all requests fail.
    pub levels: Vec<Outcome>,
    /// How likely it is that a version as good as stable is taken for bad by fixed bounds, by chance: 0 to 1. Comparisons
    /// keep to the confidence that they ask for.
    pub by_chance: f64,
    /// The checks that cannot decide in any step, with the reason.
    pub never: Vec<CheckDoubt>,
    /// The forecast in plain sentences, the most important first.
    pub words: Vec<String>,
}

/// A check that cannot decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckDoubt {
    /// Its place in the policy, from 0.
    pub index: usize,
    /// What it asks, in words.
    pub check: String,
    /// Why it cannot tell.
    pub doubt: Doubt,
}

/// What would become of a bad version that is bad from the first step on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FaultOutcome)]
pub struct Outcome {
    /// What is bad about it.
    pub bad: Bad,
    /// How likely it is that it is found before the release ends, 0 to 1.
    pub found: f64,
    /// If it is found, when on average, since the first step began.
    pub found_after: Option<Span>,
    /// When it is found with a probability of 90 %; none when that is not before the release ends.
    pub surely_after: Option<Span>,
    /// The step in which it is found, on average.
    pub step: Option<Name>,
    /// The check that finds it, by its place in the policy.
    pub by: Option<usize>,
    /// Requests of people that it answers until it is taken back, on average.
    pub requests: u64,
    /// How many of them fail, on average; none for a fault that makes no request fail.
    pub failed: Option<u64>,
    /// How many would fail if it were never found.
    pub failed_at_most: Option<u64>,
    /// How many people will have met it by the time it is taken back, on average.
    pub people: u64,
    /// That, in one plain sentence.
    pub words: String,
}

/// What a step would be able to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepForecast {
    /// Its name.
    pub name: Name,
    /// What it does.
    pub kind: StepKind,
    /// Who meets the candidate, or what a gate asks for, in words.
    pub audience: String,
    /// The largest share of everyone in it, segments not counted.
    pub share: Weight,
    /// Whether segments add people, of whom nobody knows how many they are: they are not reckoned with.
    pub has_segments: bool,
    /// How long it takes if nothing is wrong: its time, its requests, and those that each check asks for. None when
    /// that cannot be told.
    pub takes: Option<Span>,
    /// Why it cannot be told, in words.
    pub undecided: Option<String>,
    /// How long it was reckoned with.
    pub counted: Span,
    /// Requests that the candidate answers in it, copies included.
    pub requests: u64,
    /// How many people will have met the candidate by its end, each counted once, as far as can be told.
    pub people: u64,
    /// How long it takes to find a version that fails as assumed, if that first shows in this step: on average. None
    /// when it takes longer than the step.
    pub finds_after: Option<Span>,
    /// The same with a probability of 90 %.
    pub finds_surely_after: Option<Span>,
    /// The smallest share of failures that is found within the step, on average; none when not even a total failure is.
    pub smallest: Option<f64>,
    /// By how much requests must take longer to be found within the step, on average: 0.5 is half as long again. None
    /// when not even ten times as long is.
    pub smallest_slower: Option<f64>,
    /// Requests that fail from the beginning of the release to the end of this step, if the version fails as assumed: on
    /// average.
    pub failed: u64,
    /// The same if it is not found.
    pub failed_at_most: u64,
    /// What each check is able to see in it, in the plan's order.
    pub checks: Vec<CheckForecast>,
    /// The step in plain sentences.
    pub words: Vec<String>,
}

/// What a check is able to see in a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckForecast {
    /// The metric.
    pub metric: Name,
    /// What it asks, in words.
    pub words: String,
    /// How long until it can say that all is well; none when it cannot within the step and the patience of the policy.
    pub passes_after: Option<Span>,
    /// How long until it is proved that a version as good as stable is not worse than tolerated; none when not in this
    /// step, or when nothing is to be proved.
    pub proves_after: Option<Span>,
    /// How long it takes to find the assumed fault if it first shows in this step, on average.
    pub finds_after: Option<Span>,
    /// The same with a probability of 90 %.
    pub finds_surely_after: Option<Span>,
    /// Whether it can decide in this step: pass, or find the assumed fault.
    pub decides: bool,
    /// What it cannot do in this step, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

/// What a release under a plan would be able to see, with this traffic, of a version that is so bad.
pub fn forecast(plan: &Plan, traffic: &Traffic, assumed: &Assumed) -> Forecast {
    let traffic = traffic.held();
    let assumed = Assumed { slower: held(assumed.slower, 0.0, 1e6), ..*assumed };
    let legs = course::course(plan, traffic.rate.value);
    let alphas = plan.alphas(traffic.services.max(1) as usize);
    let outcome = |bad| steps::outcome(plan, &legs, &alphas, bad, &traffic);
    let failing = assumed.failing(&traffic);
    let steps = steps::steps(plan, &legs, &alphas, &traffic, &assumed);
    let takes = steps.iter().filter_map(|step| step.takes);
    let takes = Span::from_millis(takes.fold(0, |sum: u64, span| sum.saturating_add(span.as_millis())));
    let undecided = steps
        .iter()
        .filter_map(|step| Some(format!("{}: {}", step.name, step.undecided.as_ref()?)))
        .collect();
    let mut forecast = Forecast {
        policy: plan.policy.clone(),
        never: doubt::never(plan, &steps),
        takes,
        undecided,
        by_chance: outcome(Bad::Failures(traffic.errors.value)).found,
        failing: outcome(failing),
        slower: outcome(Bad::Slower(assumed.slower)),
        levels: LEVELS.iter().map(|level| outcome(Bad::Failures(*level))).collect(),
        steps,
        words: Vec::new(),
        traffic,
        assumed,
    };
    words::say(&mut forecast, plan);
    forecast
}

/// A figure that is a number within bounds; what is no number is the lower one.
fn held(value: f64, least: f64, most: f64) -> f64 {
    if value.is_nan() { least } else { value.clamp(least, most) }
}

impl Traffic {
    /// The same with figures that can be: whatever was given, nothing below is divided by nothing.
    fn held(&self) -> Traffic {
        let within = |figure: Figure, most| Figure { value: held(figure.value, 0.0, most), ..figure };
        let Latency { p50, p95, p99, origin } = self.latency;
        let p50 = held(p50, 1e-3, 1e9);
        let p95 = held(p95, p50, 1e9);
        Traffic {
            rate: within(self.rate, 1e9),
            errors: within(self.errors, 1.0),
            latency: Latency { p50, p95, p99: held(p99, p95, 1e9), origin },
            visitors: within(self.visitors, 1e12),
            services: self.services,
        }
    }
}
