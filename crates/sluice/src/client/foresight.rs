//! Asking what would be: the schedule of a release, and mistakes in policies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use sluice_core::forecast::Forecast;
use sluice_core::routing::explain::{Explanation, Question};
use sluice_core::{Name, lint};
use sluice_engine::forecast::ForecastRequest;
use sluice_engine::resource::ReleaseRequest;

use super::{Client, Error, Sending, json_object, query};

/// A policy, and what looks wrong with it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Linted {
    pub(crate) policy: Name,
    pub(crate) findings: Vec<Finding>,
}

/// Something that looks wrong, as the server says or as this program found by itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// A stable word.
    pub(crate) code: String,
    /// Where in the policy: `spec.steps[1].hold`. Empty for the policy as a whole.
    pub(crate) path: String,
    /// What, in one plain sentence.
    pub(crate) text: String,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Error,
    Warning,
    Hint,
}

impl From<lint::Finding> for Finding {
    fn from(found: lint::Finding) -> Finding {
        let severity = match found.severity {
            lint::Severity::Error => Severity::Error,
            lint::Severity::Warning => Severity::Warning,
            lint::Severity::Hint => Severity::Hint,
        };
        let (code, path, text, hint) = (found.code.to_owned(), found.path, found.text, found.hint);
        Finding { severity, code, path, text, hint }
    }
}

#[derive(Deserialize)]
struct Policies {
    policies: Vec<Linted>,
}

impl Client {
    /// What a release would do and when, as the server says it. Nothing is changed.
    pub(crate) fn schedule(&self, request: &ReleaseRequest) -> Result<Value, Error> {
        let body = Value::Object(json_object(request)).to_string();
        let path = "/api/v1/releases?dryRun=true".to_owned();
        self.read(Sending::post(path, "application/json", body.into_bytes()))
    }

    /// What a release would be able to see. Nothing is changed.
    pub(crate) fn forecast(&self, request: &ForecastRequest) -> Result<Forecast, Error> {
        let body = Value::Object(json_object(request)).to_string();
        self.read(Sending::post("/api/v1/forecasts".to_owned(), "application/json", body.into_bytes()))
    }

    /// Which version a request would get, and why. Nothing is sent to the service.
    pub(crate) fn explain_request(&self, question: &Question) -> Result<Explanation, Error> {
        let body = Value::Object(json_object(question)).to_string();
        self.read(Sending::post("/api/v1/gateway/explain".to_owned(), "application/json", body.into_bytes()))
    }

    /// Mistakes in the policies among `documents`, seen together with what is applied; without documents, in the one
    /// of that name, or in all that are applied.
    pub(crate) fn lint(&self, documents: &str, policy: Option<&Name>) -> Result<Vec<Linted>, Error> {
        let path = format!("/api/v1/lint{}", query(&[("policy", policy.map(Name::as_str))]));
        let answer: Policies =
            self.read(Sending::post(path, "application/yaml", documents.as_bytes().to_vec()))?;
        Ok(answer.policies)
    }
}
