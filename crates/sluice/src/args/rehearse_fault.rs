//! Faults as people write them.

use std::str::FromStr;

use sluice_core::{Name, Span};
use sluice_sim::rehearsal::Onset;

/// A percentage as a fraction, above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match number {
            Some(percent) if percent.is_finite() && percent > 0.0 => Ok(Share(percent / 100.0)),
            _ => Err(format!("`{text}` is not a percentage above 0; write it as 5%")),
        }
    }
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Begins(pub(crate) Onset);

impl FromStr for Begins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(step) = text.strip_prefix("step:") {
            let step: Name =
                step.parse().map_err(|error| format!("`{step}` is not the name of a step: {error}"))?;
            return Ok(Begins(Onset::Step(step)));
        }
        if text.ends_with('%') {
            let Share(share) = text.parse()?;
            return match share <= 1.0 {
                true => Ok(Begins(Onset::Share(share))),
                false => Err(format!("`{text}` of traffic is more than all of it")),
            };
        }
        let after: Span =
            text.parse().map_err(|_| format!("`{text}` is no moment; write 20m, 25% or step:half"))?;
        Ok(Begins(Onset::After(after)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_begins_at_a_time_a_share_or_a_step() {
        let begins = |text: &str| text.parse::<Begins>().map(|Begins(onset)| onset);
        assert_eq!(begins("20m"), Ok(Onset::After(Span::from_secs(1200))));
        assert_eq!(begins("25%"), Ok(Onset::Share(0.25)));
        assert_eq!(begins("step:half"), Ok(Onset::Step("half".parse().unwrap())));
        assert!(begins("soon").unwrap_err().contains("write 20m, 25% or step:half"));
        assert!(begins("140%").is_err());
    }
}
