//! What webhooks are told.

use serde_json::{Value, json};
use sluice_core::release::{Calling, Purpose, Release};

/// The body of a call.
pub(crate) fn body(release: &Release, calling: &Calling) -> Value {
    let step = release.phase.step().and_then(|step| release.plan.steps.get(step));
    json!({
        "release": release.name,
        "service": release.service.name,
        "environment": release.service.environment,
        "version": release.to,
        "from": release.from,
        "step": step.map(|step| &step.name),
        "attempt": release.attempt,
        "purpose": match calling.purpose {
            Purpose::Gate => "gate",
            Purpose::Redeploy => "redeploy",
        },
        "reason": release.reason.to_string(),
    })
}
