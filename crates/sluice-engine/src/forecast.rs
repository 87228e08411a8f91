//! What a release would be able to see, with the traffic as it is now.

use serde::{Deserialize, Serialize};
use sluice_core::forecast::{self, Assumed, Failures, Figure, Forecast, Latency, Origin, Traffic};
use sluice_core::{Counts, Name, ServiceKey, VersionName, builtin};
use utoipa::ToSchema;

use crate::engine::Engine;
use crate::error::Error;
use crate::inner::Inner;
use crate::prospect::{Prospect, plan};
use crate::releases::environment_or_default;
use crate::world::document_key;

/// Of fewer requests nothing is taken for measured.
const REQUESTS_MIN: u64 = 100;

/// What a forecast is asked for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForecastRequest {
    /// The service.
    pub service: Name,
    /// The version, for the policy that the environment chooses; it need not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<VersionName>,
    /// The environment; `production` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Name>,
    /// The policy; the environment chooses one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Name>,
    /// How many other services are released together with it.
    #[serde(default)]
    pub with: u32,
    /// Figures that are given; what is absent is measured, or assumed where nothing is known.
    #[serde(default)]
    pub traffic: GivenTraffic,
    /// How bad a version is assumed to be; by default 5 % of its requests fail, or they take 50 % longer.
    #[serde(default)]
    pub assumed: Assumed,
}

/// Figures of the traffic that are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GivenTraffic {
    /// Requests per second of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// The share of stable's requests that fail, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<f64>,
    /// Half of stable's requests take no longer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<f64>,
    /// 95 % of stable's requests take no longer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// 99 % of stable's requests take no longer, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// How many people come in an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitors: Option<f64>,
}

impl ForecastRequest {
    /// What is wrong with its figures, in one plain sentence; none when nothing is.
    pub fn wrong(&self) -> Option<String> {
        let GivenTraffic { rate, errors, p50, p95, p99, visitors } = self.traffic;
        let (name, failures, most) = match self.assumed.failures {
            Failures::Share(share) => ("assumed.failures.share", share, 1.0),
            Failures::Times(times) => ("assumed.failures.times", times, f64::MAX),
        };
        let figures = [
            ("traffic.rate", rate, f64::MAX),
            ("traffic.errors", errors, 1.0),
            ("traffic.p50", p50, f64::MAX),
            ("traffic.p95", p95, f64::MAX),
            ("traffic.p99", p99, f64::MAX),
            ("traffic.visitors", visitors, f64::MAX),
            (name, Some(failures), most),
            ("assumed.slower", Some(self.assumed.slower), f64::MAX),
        ];
        let is_wrong = |figure: f64, most: f64| figure.is_nan() || figure < 0.0 || figure > most;
        let wrong = figures
            .into_iter()
            .find(|(_, figure, most)| figure.is_some_and(|figure| is_wrong(figure, *most)));
        let bounds = |most: f64| if most < f64::MAX { "from 0 to 1" } else { "at least 0" };
        wrong.map(|(name, figure, most)| {
            format!("`{name}` is {}; it has to be {}", figure.unwrap_or_default(), bounds(most))
        })
    }
}

impl Engine {
    /// What a release would be able to see; nothing is changed. The version need not exist yet, nor be allowed to be
    /// released now.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a service or policy that does not exist; [`Error::ReleaseRefused`] when the policy cannot
    /// be followed.
    pub async fn forecast(&self, request: ForecastRequest) -> Result<Forecast, Error> {
        let inner = &self.inner;
        let environment = environment_or_default(request.environment.clone());
        let service = ServiceKey { environment: environment.clone(), name: request.service.clone() };
        let (plan, live) = {
            let world = inner.world();
            let prospect = Prospect::of(&world);
            if prospect.service(&service).is_none() {
                let names = world.services().map(|known| &known.name);
                let did_you_mean = crate::query::similar(service.name.as_str(), names);
                return Err(Error::NotFound { key: document_key(&service), did_you_mean });
            }
            let live = prospect.live(&service).cloned();
            let policy = policy(&prospect, &service, &request, live.as_ref());
            (plan(&prospect, &environment, &policy)?, live)
        };
        let traffic = traffic(inner, &service, live.as_ref(), &request);
        Ok(forecast::forecast(&plan, &traffic, &request.assumed))
    }
}

fn policy(
    prospect: &Prospect<'_>,
    service: &ServiceKey,
    request: &ForecastRequest,
    live: Option<&VersionName>,
) -> Name {
    if let Some(policy) = &request.policy {
        return policy.clone();
    }
    // Before there is a version to compare with, a change is from the version to itself.
    match (live.or(request.version.as_ref()), request.version.as_ref().or(live)) {
        (Some(from), Some(to)) => prospect.bound_policy(service, from, to),
        _ => builtin::DEFAULT_POLICY.parse().expect("the default policy's name is a name"),
    }
}

/// The traffic: given figures first, then what was measured of the version that people have, then what is usual.
fn traffic(
    inner: &Inner,
    service: &ServiceKey,
    live: Option<&VersionName>,
    request: &ForecastRequest,
) -> Traffic {
    let given = &request.traffic;
    let measured = crate::sampler::rate(inner, service, inner.now()).unwrap_or(0.0);
    let rate = or_given(given.rate, Figure { value: measured, origin: Origin::Live });
    let usual = Traffic::of_rate(rate);
    let counted = live.and_then(|live| inner.counts(service).remove(live));
    let counted = counted.filter(|counts| counts.judged() >= REQUESTS_MIN);
    let (errors, latency) = match &counted {
        Some(counts) => {
            // Half a failure more than were seen: none seen is not none at all.
            let errors = (counts.failed() as f64 + 0.5) / (counts.judged() as f64 + 1.0);
            (Figure { value: errors, origin: Origin::Live }, times(counts, usual.latency))
        }
        None => (usual.errors, usual.latency),
    };
    let is_given = given.p50.or(given.p95).or(given.p99).is_some();
    let latency = Latency {
        p50: given.p50.unwrap_or(latency.p50),
        p95: given.p95.unwrap_or(latency.p95),
        p99: given.p99.unwrap_or(latency.p99),
        origin: if is_given { Origin::Given } else { latency.origin },
    };
    Traffic {
        errors: or_given(given.errors, errors),
        visitors: or_given(given.visitors, usual.visitors),
        latency,
        services: request.with.saturating_add(1),
        rate,
    }
}

fn or_given(given: Option<f64>, known: Figure) -> Figure {
    given.map_or(known, |value| Figure { value, origin: Origin::Given })
}

fn times(counts: &Counts, usual: Latency) -> Latency {
    let millis = |share: f64| counts.latency.quantile(share).map(|micros| micros as f64 / 1000.0);
    match (millis(0.5), millis(0.95), millis(0.99)) {
        (Some(p50), Some(p95), Some(p99)) => Latency { p50, p95, p99, origin: Origin::Live },
        _ => usual,
    }
}
