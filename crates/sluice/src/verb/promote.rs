//! `sluice promote`: from one environment to the next.

use sluice_core::release::status::PhaseName;
use sluice_engine::resource::HandOn;

use crate::args::PromoteArgs;
use crate::outcome::{Exit, Failure};
use crate::verb::Context;
use crate::verb::release::conclude;

/// Hands a version on and stays with its release when asked to.
pub(crate) fn run(context: &mut Context, args: &PromoteArgs) -> Result<Exit, Failure> {
    let request = HandOn {
        version: args.version.clone(),
        to: args.to.clone(),
        endpoints: args.endpoints.clone(),
        policy: args.policy.clone(),
        override_reason: args.override_reason.clone(),
    };
    let release = context.client.hand_on(&args.service, &request)?;
    conclude(context, release, args.stay, &[PhaseName::Succeeded])
}
