//! Which checks make sense for which metric, and which kinds of metric a source gives.

use std::collections::BTreeMap;

use super::metric::{GatewayMetric, MetricKind, MetricSource, MetricSpec};
use super::policy::{Bound, CheckSpec, CheckUnit, CompareWith, Judge, Threshold, Tolerance};
use super::problem::Fault;

impl MetricSpec {
    /// What does not fit in a check of this metric: the field of the check, and what is wrong with it.
    pub(crate) fn misfits(&self, check: &CheckSpec) -> Vec<(&'static str, Fault)> {
        let mut misfits = Vec::new();
        let is = format!("`{}` is {}", check.metric, self.kind.in_words());
        match (self.kind, check.quantile) {
            (MetricKind::Distribution, None) => misfits.push((
                "quantile",
                Fault::new("missing-field", format!("`quantile` is missing: {is}"))
                    .accepted("quantile: 0.95 for what 95 of 100 requests stay below"),
            )),
            (MetricKind::Distribution, Some(_)) | (_, None) => {}
            (_, Some(_)) => misfits.push((
                "quantile",
                Fault::conflict(format!("{is}, which has no quantiles")).hint("leave `quantile` out"),
            )),
        }
        self.subject_misfits(check, &mut misfits);
        match &check.judge {
            Judge::Compare(comparison) => {
                self.comparison_misfits(check, comparison.compare, comparison.tolerate, &is, &mut misfits)
            }
            Judge::Threshold(threshold) => self.bound_misfits(threshold, &is, &mut misfits),
        }
        misfits
    }

    /// Whom it is asked of, and what it counts.
    fn subject_misfits(&self, check: &CheckSpec, misfits: &mut Vec<(&'static str, Fault)>) {
        let gateway = match &self.source {
            MetricSource::Gateway(gateway) => Some(gateway),
            _ => None,
        };
        if check.path.is_some() && gateway.is_none() {
            let fault = Fault::conflict("only the gateway counts by path");
            misfits.push(("path", fault.hint("leave it out, and let the metric's source ask for the path")));
        }
        if gateway == Some(&GatewayMetric::Ready) {
            for (field, is_given) in [("service", check.service.is_some()), ("path", check.path.is_some())] {
                if is_given {
                    let fault = Fault::conflict("endpoints are watched of the released versions only");
                    misfits.push((field, fault.hint(format!("leave `{field}` out"))));
                }
            }
        }
        let counts_failures = match gateway {
            Some(GatewayMetric::Responses(classes)) => {
                use super::metric::ResponseClass::{Reset, ServerError};
                classes.len() == 2 && classes.contains(&ServerError) && classes.contains(&Reset)
            }
            _ => false,
        };
        if check.unit == Some(CheckUnit::User) && !counts_failures {
            let fault =
                Fault::conflict("visitors are counted by their failed requests only, of 5xx and reset");
            misfits.push(("unit", fault.hint("leave `unit` out")));
        } else if check.unit == Some(CheckUnit::User) && matches!(check.judge, Judge::Threshold(_)) {
            let fault = Fault::conflict("bounds are for shares of requests");
            misfits.push(("unit", fault.hint("`unit: user` goes with `compare`")));
        }
    }

    fn comparison_misfits(
        &self,
        check: &CheckSpec,
        compare: CompareWith,
        tolerate: Tolerance,
        is: &str,
        misfits: &mut Vec<(&'static str, Fault)>,
    ) {
        let is_of_gateway = matches!(self.source, MetricSource::Gateway(_));
        let is_ready = matches!(self.source, MetricSource::Gateway(GatewayMetric::Ready));
        let why = match (self.kind, compare) {
            _ if is_ready => Some(format!("{is} of a few endpoints, which no test can compare")),
            (MetricKind::Gauge, _) => {
                Some(format!("{is}: it has one value at a time, which no test can compare"))
            }
            (MetricKind::Rate, CompareWith::Stable) if is_of_gateway => {
                Some(format!("{is}, which follows how many people have the version, not how good it is"))
            }
            _ => None,
        };
        if let Some(why) = why {
            let hint = "give it bounds (`max`, `min`), or compare a ratio or a distribution";
            misfits.push(("compare", Fault::conflict(why).hint(hint)));
        } else if compare == CompareWith::Stable && check.service.is_some() {
            let fault =
                Fault::conflict("another service has no candidate to compare with its stable version");
            misfits.push(("compare", fault.hint("write `compare: before`")));
        }
        match tolerate {
            Tolerance::Points(points) if self.kind != MetricKind::Ratio && points > 0.0 => {
                let fault = Fault::conflict(format!("{is}; percentage points are for ratios"));
                misfits.push(("tolerate", fault.accepted("a part of stable's value, as 10%")));
            }
            Tolerance::Relative(part) if self.worse == super::metric::Worse::Lower && part >= 1.0 => {
                let fault = Fault::invalid("100 % less is nothing at all, so that it could never fail");
                misfits.push(("tolerate", fault.accepted("less than 100%")));
            }
            _ => {}
        }
    }

    fn bound_misfits(&self, threshold: &Threshold, is: &str, misfits: &mut Vec<(&'static str, Fault)>) {
        for (field, bound) in [("max", threshold.max), ("min", threshold.min)] {
            if bound.is_some_and(|bound| !self.takes(bound)) {
                let fault = Fault::conflict(format!("the unit does not fit: {is}"));
                misfits.push((field, fault.accepted(self.bound_form())));
            }
        }
    }

    fn takes(&self, bound: Bound) -> bool {
        match self.kind {
            MetricKind::Ratio => matches!(bound, Bound::Ratio(_)),
            MetricKind::Rate => matches!(bound, Bound::Plain(_)),
            _ if self.is_time() => matches!(bound, Bound::Millis(_)),
            _ => matches!(bound, Bound::Plain(_)),
        }
    }

    fn bound_form(&self) -> &'static str {
        match self.kind {
            MetricKind::Ratio => "a percentage, as 5%",
            MetricKind::Rate => "a plain number per second, as 2.5",
            _ if self.is_time() => "a length of time, as 800ms or 1.5s",
            _ => "a plain number in the metric's unit, as 40",
        }
    }
}

impl MetricKind {
    /// With its article, and what it means.
    fn in_words(self) -> &'static str {
        match self {
            MetricKind::Ratio => "a ratio (a part of a whole)",
            MetricKind::Rate => "a rate (so many per second)",
            MetricKind::Distribution => "a distribution (many values)",
            MetricKind::Mean => "a mean (the average of many values)",
            MetricKind::Gauge => "a gauge (one number that goes up and down)",
        }
    }

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            MetricKind::Ratio => "ratio",
            MetricKind::Rate => "rate",
            MetricKind::Distribution => "distribution",
            MetricKind::Mean => "mean",
            MetricKind::Gauge => "gauge",
        }
    }

    /// What a source is asked for, by the names of columns, pointers and queries.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            MetricKind::Ratio => &["total", "bad"],
            MetricKind::Rate => &["events"],
            MetricKind::Distribution | MetricKind::Mean | MetricKind::Gauge => &["value"],
        }
    }
}

impl MetricSource {
    /// Whether it gives metrics of a kind; why not, otherwise.
    pub(crate) fn gives(&self, kind: MetricKind) -> Result<(), Fault> {
        use MetricKind::{Distribution, Gauge, Mean, Rate, Ratio};
        let (kinds, what): (&[MetricKind], &str) = match self {
            MetricSource::Gateway(GatewayMetric::Requests) => (&[Rate], "requests are counted over time"),
            MetricSource::Gateway(GatewayMetric::Responses(_)) => {
                (&[Ratio], "some responses are a part of all of them")
            }
            MetricSource::Gateway(GatewayMetric::Latency) => {
                (&[Distribution], "latency has a value for each request")
            }
            MetricSource::Gateway(GatewayMetric::Ready) => {
                (&[Ratio], "ready endpoints are a part of all of them")
            }
            MetricSource::Prometheus(source) => match (&source.counter, &source.histogram) {
                (Some(_), _) if source.bad.is_empty() => {
                    (&[Rate], "a counter without `bad` is counted over time")
                }
                (Some(_), _) => (&[Ratio], "the bad ones are a part of all that is counted"),
                (_, Some(_)) => (&[Distribution, Mean], "a histogram holds many values"),
                _ => (&[Gauge], "a query gives one number"),
            },
            MetricSource::Otlp(source) if !source.bad.is_empty() => {
                (&[Ratio], "the bad ones are a part of all that is counted")
            }
            MetricSource::Otlp(_) => (&[Rate, Distribution, Mean, Gauge], "a ratio takes `bad`"),
            MetricSource::Sql(_) => (&[Ratio, Rate, Distribution, Mean, Gauge], ""),
            MetricSource::Alerts(_) => (&[Gauge], "it is the number of alerts that are firing"),
            MetricSource::Json(source) => return asks_for(kind, &source.pointers, "pointers"),
            MetricSource::Datadog(source)
            | MetricSource::NewRelic(source)
            | MetricSource::CloudWatch(source)
            | MetricSource::InfluxDb(source) => return asks_for(kind, &source.queries, "queries"),
        };
        if kinds.contains(&kind) {
            return Ok(());
        }
        let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        Err(Fault::conflict(format!("this kind does not fit the source: {what}")).accepted(words.join(", ")))
    }
}

fn asks_for(kind: MetricKind, asked: &BTreeMap<String, String>, field: &str) -> Result<(), Fault> {
    if matches!(kind, MetricKind::Distribution | MetricKind::Mean) {
        let fault = Fault::conflict("this kind does not fit the source, which gives one number at a time");
        return Err(fault.accepted("ratio, rate, gauge"));
    }
    let wanted = kind.columns();
    let is_right = asked.len() == wanted.len() && wanted.iter().all(|name| asked.contains_key(*name));
    match is_right {
        true => Ok(()),
        false => Err(Fault::conflict(format!(
            "a {} takes `{field}` with {}",
            kind.as_str(),
            wanted.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
        ))),
    }
}
impl Bound {
    /// The kind of metric that it bounds.
    pub fn kind(self) -> MetricKind {
        match self {
            Bound::Ratio(_) => MetricKind::Ratio,
            Bound::Plain(_) => MetricKind::Rate,
            Bound::Millis(_) => MetricKind::Distribution,
        }
    }

    /// Its number: a fraction, milliseconds, or per second.
    pub fn number(self) -> f64 {
        match self {
            Bound::Ratio(number) | Bound::Millis(number) | Bound::Plain(number) => number,
        }
    }

    /// Whether it is less than another of the same kind.
    pub(crate) fn is_below(self, other: Bound) -> bool {
        self.kind() == other.kind() && self.number() < other.number()
    }
}
