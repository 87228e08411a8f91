//! What a stream asks, checked: a kind, a level, a direction and a margin that go together.

use sluice_stats::Margin;

use super::fault::Fault;
use super::line::{Config, Direction, Kind, Margin as Given, Unit};

/// A margin beyond this tolerates everything; the tests hold theirs within it too.
const RELATIVE_MAX: f64 = 1000.0;

/// What a stream asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Question {
    pub(super) kind: Kind,
    /// The probability of stopping a candidate within the margin, ever.
    pub(super) alpha: f64,
    pub(super) direction: Direction,
    /// How much more than stable the candidate may have.
    pub(super) margin: Margin,
    pub(super) unit: Unit,
    /// Whether a kept margin is to be proved too.
    pub(super) is_pass_wanted: bool,
}

impl Question {
    /// Checks a config.
    ///
    /// # Errors
    /// With the field that cannot be, or cannot be with the others.
    pub(super) fn new(config: &Config<'_>, is_pass_wanted: bool) -> Result<Question, Fault> {
        let Config { kind, alpha, .. } = *config;
        let (direction, unit) = (config.direction.unwrap_or_default(), config.unit.unwrap_or_default());
        if !(alpha > 0.0 && alpha < 1.0) {
            let why = format!("is {alpha}, which is no probability of a false alarm");
            return Err(Fault::new("config.alpha", why, "it must be between 0 and 1, such as 0.05"));
        }
        if unit == Unit::User && matches!(kind, Kind::Count | Kind::Latency) {
            let why = format!("is `user`, which kind `{}` does not know", name(kind));
            return Err(Fault::new(
                "config.unit",
                why,
                "count users with kind `proportion`, or leave it out",
            ));
        }
        let margin = margin(kind, direction, config.margin)?;
        Ok(Question { kind, alpha, direction, margin, unit, is_pass_wanted })
    }

    /// The margin of a test in which the versions have changed places: what stable may have beside the candidate.
    ///
    /// A candidate with less than stable is found by a test of whether stable has more than the candidate. That the
    /// candidate has at least (1 - r) times what stable has is that stable has at most 1 / (1 - r) times as much,
    /// which is r / (1 - r) more.
    pub(super) fn margin_swapped(&self) -> Margin {
        match self.margin {
            Margin::Relative(margin) => Margin::Relative(margin / (1.0 - margin)),
            absolute @ Margin::Absolute(_) => absolute,
        }
    }

    /// What is claimed of a candidate that is stopped, after "the candidate's … is".
    pub(super) fn claim(&self) -> String {
        use Direction::{Both, Decrease, Increase};
        if self.kind == Kind::Allocation {
            return "other than asked for".to_owned();
        }
        // One way of speaking for rates and times.
        let [more, less] = match self.kind {
            Kind::Latency => ["longer than", "shorter than"],
            _ => ["above", "below"],
        };
        let round = |number: f64| (number * 1e12).round() / 1e12;
        match (self.direction, self.margin) {
            (Increase, Margin::Relative(0.0) | Margin::Absolute(0.0)) => format!("{more} stable's"),
            (Decrease, Margin::Relative(0.0) | Margin::Absolute(0.0)) => format!("{less} stable's"),
            (Both, Margin::Relative(0.0) | Margin::Absolute(0.0)) => "other than stable's".to_owned(),
            (Increase, Margin::Relative(r)) => format!("{more} {} times stable's", round(1.0 + r)),
            (Decrease, Margin::Relative(r)) => format!("{less} {} times stable's", round(1.0 - r)),
            (Both, Margin::Relative(r)) => {
                format!("outside {} to {} times stable's", round(1.0 - r), round(1.0 + r))
            }
            (Increase, Margin::Absolute(d)) => format!("{more} stable's plus {d}"),
            (Decrease, Margin::Absolute(d)) => format!("{less} stable's minus {d}"),
            (Both, Margin::Absolute(d)) => format!("further than {d} from stable's"),
        }
    }
}

/// The margin, if a test with it can ever end.
fn margin(kind: Kind, direction: Direction, given: Option<Given>) -> Result<Margin, Fault> {
    let (field, number) = match given {
        None => return Ok(Margin::Relative(0.0)),
        Some(Given::Relative(number)) => ("config.margin.relative", number),
        Some(Given::Absolute(number)) => ("config.margin.absolute", number),
    };
    let fault = |why: &str, mend: &str| Err(Fault::new(field, format!("is {number}, {why}"), mend));
    if number < 0.0 {
        return fault("which is negative", "it says how much is tolerated: 0 or more");
    }
    if kind == Kind::Allocation && number != 0.0 {
        return fault("but an allocation is either right or not", "leave it out");
    }
    match given {
        Some(Given::Absolute(_)) if matches!(kind, Kind::Count | Kind::Latency) => {
            let why = format!("but kind `{}` has relative margins only", name(kind));
            fault(&why, "write {\"relative\":…}, or leave it out")
        }
        Some(Given::Absolute(_)) if number >= 1.0 => {
            let why = "and no two proportions are further apart than 1: nothing could ever stop it";
            fault(why, "write a difference of proportions: 0.005 is half a percentage point")
        }
        Some(Given::Relative(_)) if direction != Direction::Increase && number >= 1.0 => {
            let why = "and nothing is less by more than the whole: nothing could ever stop it";
            fault(why, "write a share of what stable has, such as 0.1, or take direction `increase`")
        }
        Some(Given::Relative(_)) if number > RELATIVE_MAX => {
            let why = "which tolerates everything: nothing could ever stop it";
            fault(why, "write a share of what stable has: 0.1 tolerates a tenth more")
        }
        Some(Given::Relative(_)) => Ok(Margin::Relative(number)),
        _ => Ok(Margin::Absolute(number)),
    }
}

/// The name of a kind, as configs have it.
pub(super) const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Proportion => "proportion",
        Kind::Count => "count",
        Kind::Latency => "latency",
        Kind::Allocation => "allocation",
    }
}
