//! `Metric`.

use super::service::present_list;
use super::{Decode, Fields, Reader, report_duplicates};
use crate::document::MetricSpec;
use crate::document::metric::{GatewayMetric, MetricKind, MetricSource, ResponseClass};
use crate::document::node::Node;
use crate::document::problem::Fault;

impl Decode for MetricSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let kind = fields.required("kind");
        let unit = fields.optional::<String>("unit");
        let worse = fields.required("worse");
        let source = fields.required("source");
        let description = fields.optional("description");
        if let (Some(kind), Some(source)) = (kind, &source) {
            kind_fits(&mut fields, kind, source);
        }
        if let (Some(Some(unit)), Some(MetricSource::Gateway(GatewayMetric::Latency))) = (&unit, &source)
            && unit != "ms"
        {
            let fault =
                Fault::invalid("the gateway measures latency in milliseconds").accepted("ms, or no unit");
            fields.report_in(&["unit".into()], fault);
        }
        fields.finish();
        Some(MetricSpec {
            kind: kind?,
            unit: unit?,
            worse: worse?,
            source: source?,
            description: description?,
        })
    }
}

fn kind_fits(fields: &mut Fields<'_, '_>, kind: MetricKind, source: &MetricSource) {
    let MetricSource::Gateway(source) = source;
    let (is, word, what) = match source {
        GatewayMetric::Requests => (MetricKind::Rate, "rate", "requests are counted over time"),
        GatewayMetric::Responses(_) => {
            (MetricKind::Ratio, "ratio", "some responses are a part of all of them")
        }
        GatewayMetric::Latency => {
            (MetricKind::Distribution, "distribution", "latency has a value for each request")
        }
        GatewayMetric::Ready => (MetricKind::Ratio, "ratio", "ready endpoints are a part of all of them"),
    };
    if kind != is {
        let fault = Fault::conflict(format!("this kind does not fit the source: {what}")).accepted(word);
        fields.report_in(&["kind".into()], fault);
    }
}

impl Decode for MetricSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let gateway = fields.required("gateway");
        fields.finish();
        gateway.map(MetricSource::Gateway)
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
