//! Reasons as people read them: each one plain sentence.

use std::fmt;

use crate::calendar::Closed;
use crate::release::Reason;
use crate::release::audience::COPIED_BEGINS;
use crate::release::finding::{grouped, requests};
use crate::release::phase::Trouble;
use crate::{Name, Span, Timestamp};

impl Reason {
    /// As what follows "because".
    pub(in crate::release) fn clause(&self) -> String {
        match self {
            Reason::CheckFailed { finding } => format!("a check failed: {finding}"),
            Reason::Inconclusive { missing, waited } => {
                format!("too little was seen for {}: {missing}", waited.rounded())
            }
            Reason::Superseded { by } => format!("the newer release {by} took its place"),
            Reason::Expired { missing } => missing.clone(),
            Reason::RiskSpent { step, excess, budget, requests: count, failed } => format!(
                "step {step} has used up its risk budget: {} of {} failed, {} more than would have on stable, and {} \
                 may",
                grouped(*failed),
                requests(*count),
                grouped(*excess),
                grouped(*budget)
            ),
            // These begin with a name or a version.
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Queued { behind } => write!(f, "Waits for {behind} to end"),
            Reason::WaitingForReady { version, endpoints: 0, left } => {
                write!(f, "Waits for {version} to have an endpoint, for another {}", left.rounded())
            }
            Reason::WaitingForReady { version, endpoints: 1, left } => {
                write!(f, "Waits for the endpoint of {version} to be ready, for another {}", left.rounded())
            }
            Reason::WaitingForReady { version, endpoints, left } => write!(
                f,
                "Waits for one of the {endpoints} endpoints of {version} to be ready, for another {}",
                left.rounded()
            ),
            Reason::Moving { step, audience, version } => {
                write!(f, "Step {step}: traffic is being set so that {}", who_meet(audience, version))
            }
            Reason::Holding { step, audience, time_left, requests_left } => {
                write!(f, "Step {step}: {audience}, {}", to_go(*time_left, *requests_left))
            }
            Reason::UntilPromoted { step, audience } => {
                write!(f, "Step {step}: {audience}, until somebody promotes it")
            }
            Reason::TooLittle { step, missing, left } => {
                write!(f, "Step {step} waits for data, for another {} at most: {missing}", left.rounded())
            }
            Reason::CheckFailed { .. }
            | Reason::Inconclusive { .. }
            | Reason::Superseded { .. }
            | Reason::Expired { .. }
            | Reason::RiskSpent { .. } => f.write_str(&capitalized(&self.clause())),
            Reason::NotReady { service, version, unready_for } => {
                if let Some(service) = service {
                    write!(f, "{service} ")?;
                }
                match *unready_for {
                    Span::ZERO => write!(f, "{version} has no ready endpoint"),
                    _ => write!(f, "{version} has had no ready endpoint for {}", unready_for.rounded()),
                }
            }
            Reason::Person { done, actor, why: Some(why) } => write!(f, "{actor} {done}: {why}"),
            Reason::Person { done, actor, why: None } => write!(f, "{actor} {done}"),
            Reason::Promoting { version } => {
                write!(f, "The last step is over: traffic is being set so that everyone meets {version}")
            }
            Reason::Kept { version, previous, until } => {
                write!(
                    f,
                    "Everyone has {version}; {previous} is kept for a quick return until {}",
                    minute(*until)
                )
            }
            Reason::KeptInTrouble { version, previous, until, trouble } => write!(
                f,
                "Everyone has {version}, but it can be rolled back to {previous} until {}: {}",
                minute(*until),
                trouble.clause()
            ),
            Reason::Released { version } => write!(f, "Everyone has {version}"),
            Reason::StableNotReady { version, because } => write!(
                f,
                "Nobody can go back to {version} yet, which has no ready endpoint; they should, because {}",
                because.clause()
            ),
            Reason::GoingBack { version, because } => {
                write!(f, "Everyone is being taken back to {version}, because {}", because.clause())
            }
            Reason::Back { version, because } => {
                write!(f, "Everyone is back on {version}, because {}", because.clause())
            }
            Reason::NeverReady { version, waited } => {
                write!(f, "{version} had no ready endpoint within {}, so nobody met it", waited.rounded())
            }
            Reason::AlreadyLive { version } => write!(f, "{version} was live already when its turn came"),
            Reason::Closed { .. } => self.write_closed(f),
            Reason::Approval { .. } | Reason::Webhook { .. } | Reason::OtherService { .. } => {
                self.write_gate(f)
            }
            Reason::WebhookFailed { url, said } => {
                write!(f, "{url} says that something is wrong{}", after_colon(said.as_deref()))
            }
            Reason::Ramping { step, audience, to, time_left } => {
                write!(f, "Step {step}: {audience}, on the way to {to}")?;
                match time_left {
                    Some(left) => write!(f, ", {} to go", left.rounded()),
                    None => f.write_str(" as fast as its risk allows"),
                }
            }
            Reason::StableBroken { stable, version } => write!(
                f,
                "{stable} has no ready endpoint, and {version} has; the release waits until both have, unless \
                 somebody decides otherwise"
            ),
            Reason::NoReturn { because, why } => {
                write!(f, "{because}; nobody can be taken back any more: {why}")
            }
            Reason::GoingBackGradually { version, time_left, because } => write!(
                f,
                "People are being taken back to {version} little by little, {} to go, because {}",
                time_left.rounded(),
                because.clause()
            ),
            Reason::Redeploying { version, url, because } => write!(
                f,
                "Everyone is back on {version}, and {url} is being told, because {}",
                because.clause()
            ),
            Reason::Trouble(Trouble::Crashed { message }) => {
                write!(f, "Sluice itself failed while it decided about this release: {message}")
            }
        }
    }
}

impl Reason {
    fn write_closed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reason::Closed { version, step, why, opens_at } = self else { return Ok(()) };
        match step {
            Some(step) => write!(f, "Step {step} waits: {why}")?,
            None => write!(f, "Everyone would get {version} for good now, but {why}")?,
        }
        match (why, opens_at) {
            // Then a window opens later than the freeze ends.
            (Closed::Freeze { until, zone, .. }, Some(at)) if at > until => {
                write!(f, "; it goes on {}", zone.written(*at))
            }
            (Closed::Freeze { .. }, None) => f.write_str(", and no window opens within 400 days"),
            _ => Ok(()),
        }
    }

    fn write_gate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = match self {
            Reason::Approval { step, roles, count, given, left } => {
                write!(f, "Step {step} waits for approval by {}", or(roles))?;
                if *count > 1 {
                    write!(f, ", {given} of {count} given")?;
                }
                left
            }
            Reason::Webhook { step, url, said, left } => {
                write!(f, "Step {step} waits for {url} to say that all is well")?;
                if let Some(said) = said {
                    write!(f, "; it said last: {said}; this is waited for")?;
                }
                left
            }
            Reason::OtherService { step, service, need, found, left } => {
                write!(f, "Step {step} waits for {service} to have {need}")?;
                match found {
                    Some(found) => write!(f, ", which has {found}")?,
                    None => f.write_str(", which has no version yet")?,
                }
                left
            }
            _ => return Ok(()),
        };
        write!(f, ", for another {} at most", left.rounded())
    }
}

/// `: what was said`, if anything was.
fn after_colon(said: Option<&str>) -> String {
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

/// `a`, `a or b`, `a, b or c`.
pub(in crate::release) fn or(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// An audience with what it meets: `everyone meets 2.1.0`, `nobody meets 2.1.0, with 10 % of requests copied`.
pub(in crate::release) fn who_meet(audience: &str, version: &impl fmt::Display) -> String {
    let (who, copied) = match audience.split_once(COPIED_BEGINS) {
        Some((who, copied)) => (who, format!("{COPIED_BEGINS}{copied}")),
        None => (audience, String::new()),
    };
    let verb = if matches!(who, "everyone" | "nobody") { "meets" } else { "meet" };
    format!("{who} {verb} {version}{copied}")
}

/// With a capital at its beginning.
pub(in crate::release) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn to_go(time: Span, count: u64) -> String {
    match (time > Span::ZERO, count) {
        (true, 0) => format!("{} to go", time.rounded()),
        (true, count) => format!("{} and {} to go", time.rounded(), requests(count)),
        (false, 0) => "nothing more to wait for".to_owned(),
        (false, count) => format!("{} to go", requests(count)),
    }
}

/// A time to the minute, as `2026-11-23 09:30 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// What a step still asks for before data can be called enough.
pub(crate) fn missing_requests(have: u64, asked: u64) -> String {
    match have {
        0 => format!("no request has reached the candidate in this step, and it takes {}", grouped(asked)),
        _ => format!("{} of {} have reached the candidate in this step", grouped(have), requests(asked)),
    }
}
