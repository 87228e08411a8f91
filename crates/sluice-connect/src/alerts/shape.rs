//! What Alertmanager, Grafana and Datadog send, told apart by its shape.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sluice_core::Timestamp;

/// Names and values of the labels of one alert, together.
const LABELS_BYTES_MAX: usize = 8 * 1024;

/// One alert that begins, goes on, or ends.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// What its sender knows it as.
    pub(super) fingerprint: String,
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) is_firing: bool,
    /// When it ends by itself.
    pub(super) ends: Option<Timestamp>,
}

/// Why it cannot be told what a sender means.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unknown {
    #[error("the body is not JSON: {0}")]
    Json(serde_json::Error),
    #[error(
        "this is none of the payloads that are known: Alertmanager's webhook (version 4) and Grafana's, with `alerts` in \
         it, or Datadog's with the template that docs/metrics.md gives, with `alert_transition` in it"
    )]
    Shape,
    #[error("alert {number}: {what}")]
    Alert { number: usize, what: String },
    #[error("{0}")]
    Datadog(String),
}

/// Reads a payload.
///
/// # Errors
/// When any of its alerts cannot be read; nothing is taken in part.
pub(super) fn read(body: &[u8]) -> Result<Vec<Told>, Unknown> {
    let value: Value = serde_json::from_slice(body).map_err(Unknown::Json)?;
    let Value::Object(payload) = value else { return Err(Unknown::Shape) };
    if let Some(Value::Array(alerts)) = payload.get("alerts") {
        let sender = if payload.contains_key("orgId") { "grafana" } else { "alertmanager" };
        let numbered = alerts.iter().enumerate();
        let read = |(index, alert)| {
            alertmanager(sender, alert).map_err(|what| Unknown::Alert { number: index + 1, what })
        };
        return numbered.map(read).collect();
    }
    match payload.get("alert_transition") {
        Some(Value::String(transition)) => {
            datadog(&payload, transition).map(|told| vec![told]).map_err(Unknown::Datadog)
        }
        _ => Err(Unknown::Shape),
    }
}

/// One of the `alerts` of Alertmanager, whose shape Grafana has taken over.
fn alertmanager(sender: &str, alert: &Value) -> Result<Told, String> {
    let is_firing = match alert.get("status").and_then(Value::as_str) {
        Some("firing") => true,
        Some("resolved") => false,
        Some(other) => return Err(format!("its `status` is `{other}`; it must be `firing` or `resolved`")),
        None => return Err("it has no `status`".to_owned()),
    };
    let Some(Value::Object(given)) = alert.get("labels") else { return Err("it has no `labels`".to_owned()) };
    let mut labels = BTreeMap::new();
    for (name, value) in given {
        let value = value.as_str().ok_or_else(|| format!("its label `{name}` is not a text"))?;
        labels.insert(name.clone(), value.to_owned());
    }
    check_length(&labels)?;
    let name = labels.get("alertname").cloned().unwrap_or_default();
    let fingerprint = match alert.get("fingerprint").and_then(Value::as_str) {
        Some(fingerprint) if !fingerprint.is_empty() => short(fingerprint)?.to_owned(),
        _ => Value::from_iter(labels.clone()).to_string(),
    };
    // While nobody knows when it ends, this is left out, empty, or in the year 1.
    let ends = match alert.get("endsAt").and_then(Value::as_str).unwrap_or_default() {
        "" => None,
        text => {
            let ends: Timestamp =
                text.parse().map_err(|_| format!("its `endsAt` is `{text}`, which is no time"))?;
            (ends.as_millis() > 0).then_some(ends)
        }
    };
    Ok(Told { fingerprint: format!("{sender}:{fingerprint}"), name, labels, is_firing, ends })
}

/// What Datadog sends with the template of docs/metrics.md: `$ALERT_TRANSITION` and its neighbours.
fn datadog(payload: &Map<String, Value>, transition: &str) -> Result<Told, String> {
    let text = |name: &str| match payload.get(name) {
        Some(Value::String(text)) => text.as_str(),
        _ => "",
    };
    let is_firing = match transition {
        "Triggered" | "Re-Triggered" | "Renotify" | "Warn" | "Re-Warn" | "No Data" | "Re-No Data" => true,
        "Recovered" => false,
        other => {
            return Err(format!(
                "`alert_transition` is `{other}`, which is none that Datadog has; it must be $ALERT_TRANSITION"
            ));
        }
    };
    let id = short(text("alert_id"))?;
    if id.is_empty() {
        return Err("`alert_id` is missing; it must be $ALERT_ID".to_owned());
    }
    let mut labels = BTreeMap::new();
    for tag in text("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        labels.insert(name.to_owned(), value.to_owned());
    }
    labels.insert("alert_transition".to_owned(), transition.to_owned());
    check_length(&labels)?;
    // One monitor alerts for each of its groups on its own.
    let fingerprint = format!("datadog:{id}:{}", short(text("alert_scope"))?);
    Ok(Told { fingerprint, name: short(text("alert_title"))?.to_owned(), labels, is_firing, ends: None })
}

fn check_length(labels: &BTreeMap<String, String>) -> Result<(), String> {
    let bytes: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > LABELS_BYTES_MAX {
        return Err(format!("its labels have {bytes} bytes; {LABELS_BYTES_MAX} are kept at most"));
    }
    Ok(())
}

fn short(text: &str) -> Result<&str, String> {
    if text.len() > LABELS_BYTES_MAX {
        return Err(format!("a text has {} bytes; {LABELS_BYTES_MAX} are kept at most", text.len()));
    }
    Ok(text)
}
