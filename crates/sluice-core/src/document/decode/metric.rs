//! `Metric`.

mod outside;

use super::service::present_list;
use super::{Decode, Fields, Reader, report_duplicates};
use crate::document::MetricSpec;
use crate::document::metric::{GatewayMetric, MetricSource, ReadSpec, ResponseClass};
use crate::document::node::Node;
use crate::document::problem::Fault;

impl Decode for MetricSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let kind = fields.required("kind");
        let unit = fields.optional::<String>("unit");
        let worse = fields.required("worse");
        let source = fields.required::<MetricSource>("source");
        let read = fields.optional::<ReadSpec>("read");
        let description = fields.optional("description");
        if let (Some(kind), Some(source)) = (kind, &source)
            && let Err(fault) = source.gives(kind)
        {
            fields.report_in(&["kind".into()], fault);
        }
        if let (Some(Some(unit)), Some(MetricSource::Gateway(GatewayMetric::Latency))) = (&unit, &source)
            && unit != "ms"
        {
            let fault =
                Fault::invalid("the gateway measures latency in milliseconds").accepted("ms, or no unit");
            fields.report_in(&["unit".into()], fault);
        }
        if let (Some(Some(_)), Some(MetricSource::Gateway(_))) = (&read, &source) {
            let fault = Fault::conflict("the gateway's own counts are there at once; nothing is read");
            fields.report_in(&["read".into()], fault.hint("leave `read` out"));
        }
        fields.finish();
        Some(MetricSpec {
            kind: kind?,
            unit: unit?,
            worse: worse?,
            source: source?,
            read: read?,
            description: description?,
        })
    }
}

const SOURCES: [&str; 10] = [
    "gateway",
    "prometheus",
    "otlp",
    "sql",
    "json",
    "alerts",
    "datadog",
    "newRelic",
    "cloudWatch",
    "influxDb",
];

impl Decode for MetricSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { prometheus: { … } }")?;
        let gateway = fields.optional("gateway").map(|found| found.map(MetricSource::Gateway));
        let found = [
            gateway,
            fields.optional("prometheus").map(|found| found.map(MetricSource::Prometheus)),
            fields.optional("otlp").map(|found| found.map(MetricSource::Otlp)),
            fields.optional("sql").map(|found| found.map(MetricSource::Sql)),
            fields.optional("json").map(|found| found.map(MetricSource::Json)),
            fields.optional("alerts").map(|found| found.map(MetricSource::Alerts)),
            fields.optional("datadog").map(|found| found.map(MetricSource::Datadog)),
            fields.optional("newRelic").map(|found| found.map(MetricSource::NewRelic)),
            fields.optional("cloudWatch").map(|found| found.map(MetricSource::CloudWatch)),
            fields.optional("influxDb").map(|found| found.map(MetricSource::InfluxDb)),
        ];
        let given = SOURCES.iter().filter(|name| fields.has(name)).count();
        if given == 0 && !fields.has_strangers() {
            let fault = Fault::new("missing-field", "it does not say where the metric comes from");
            fields.report_in(&[], fault.accepted(SOURCES.join(", ")));
        } else if given > 1 {
            let fault = Fault::conflict("a metric comes from one source; write two metrics");
            fields.report_in(&[], fault);
        }
        fields.finish();
        let mut found: Vec<MetricSource> =
            found.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        (found.len() == 1).then(|| found.pop()).flatten()
    }
}

const GATEWAY_FORMS: &str = "requests, latency, ready, or responses: [5xx, reset]";

impl Decode for GatewayMetric {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        match node.as_text() {
            Some("requests") => return Some(GatewayMetric::Requests),
            Some("latency") => return Some(GatewayMetric::Latency),
            Some("ready") => return Some(GatewayMetric::Ready),
            Some("responses") => {
                let fault = Fault::invalid("it does not say which responses").accepted(GATEWAY_FORMS);
                reader.report(node, fault);
                return None;
            }
            Some(other) => {
                let fault =
                    Fault::invalid(format!("the gateway does not count `{other}`")).accepted(GATEWAY_FORMS);
                reader.report(
                    node,
                    fault.or_did_you_mean(other, &["requests", "latency", "ready", "responses"]),
                );
                return None;
            }
            None => {}
        }
        let mut fields = Fields::open(node, reader)?;
        let classes = present_list::<ResponseClass>(&mut fields, "responses", "nothing would be counted");
        if let Some(classes) = &classes {
            report_duplicates(
                classes,
                |class| *class,
                |index, _| {
                    fields.report_in(
                        &["responses".into(), index.into()],
                        Fault::duplicate("this class is given twice"),
                    );
                },
            );
        }
        fields.finish();
        classes?.into_iter().collect::<Option<_>>().map(GatewayMetric::Responses)
    }
}
