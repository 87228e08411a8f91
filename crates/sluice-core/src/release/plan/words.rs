//! What a step does, in words.

use crate::document::policy::{Approval, Ramp};
use crate::release::plan::{Gate, Step, Work};
use crate::release::reason::or;

impl Step {
    /// Who meets the candidate in it, or what its gate asks for: `5 % of everyone`, `5 % of everyone, growing to 50 % over 1h`,
    /// `approval by product or ops, 2 people`.
    pub fn words(&self) -> String {
        match &self.work {
            Work::Hold(_) => self.exposure.words(),
            Work::Ramp { ramp, .. } => {
                let how = match ramp {
                    Ramp::Linear { over, .. } => format!("over {over}"),
                    Ramp::Through { percents, every, .. } => {
                        format!("in {} parts of {every} or more", percents.len())
                    }
                    Ramp::Budget { budget, .. } => {
                        format!("at the risk of {} failed requests", budget.failed_requests)
                    }
                };
                format!("{}, growing to {} {how}", self.exposure.words(), ramp.last().0)
            }
            Work::Gate(gate) => gate.words(),
        }
    }
}

impl Gate {
    /// What it asks for: `approval by product`, `payments has >=1.4.0`.
    pub fn words(&self) -> String {
        match self {
            Gate::Approval(Approval { roles, count, .. }) if *count > 1 => {
                format!("approval by {}, {count} people", or(roles))
            }
            Gate::Approval(Approval { roles, .. }) => format!("approval by {}", or(roles)),
            Gate::Webhook(gate) => format!("{} says that all is well", gate.hook.url),
            Gate::Version(gate) => format!("{} has {}", gate.service, gate.version),
            Gate::PointOfNoReturn(why) => format!("nobody can be taken back from here on: {why}"),
        }
    }
}
