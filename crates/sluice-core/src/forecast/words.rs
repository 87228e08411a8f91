//! A forecast in plain sentences.

use super::{Bad, Figure, Forecast, Origin, Outcome, StepForecast, Traffic};
use crate::release::Plan;
use crate::release::status::StepKind;

/// A number as people write it: with spaces between thousands, and with at most one digit after the point.
pub(super) fn number(number: f64) -> String {
    let tenths = (number.abs() * 10.0).round();
    let (whole, rest) = ((tenths / 10.0).floor(), tenths % 10.0);
    let digits = format!("{whole:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push(' ');
        }
        text.push(digit);
    }
    if rest > 0.0 && whole < 1000.0 {
        text.push_str(&format!(".{rest:.0}"));
    }
    text
}

/// A share as a percentage, with two digits that count: `5 %`, `0.15 %`, `100 %`.
pub(super) fn share_words(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 99.5 {
        return format!("{percent:.0} %");
    }
    let digits = (1.0 - percent.abs().log10().floor()).clamp(0.0, 4.0) as usize;
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// A number of things: `1 request`, `2 000 requests`.
pub(super) fn count(number_of: u64, one: &str, many: &str) -> String {
    let noun = if number_of == 1 { one } else { many };
    format!("{} {noun}", number(number_of as f64))
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Live => "measured",
        Origin::Given => "given",
        Origin::Assumed => "assumed",
    }
}

impl Traffic {
    /// What it was worked out for, in one line: each figure with where it comes from.
    pub fn words(&self) -> String {
        let Figure { value: rate, origin: from } = self.rate;
        let latency = self.latency;
        let millis = |value: f64| format!("{} ms", number(value));
        format!(
            "{} requests per second ({}), {} of them fail ({}), p50 {}, p95 {}, p99 {} ({}), {} an hour ({})",
            number(rate),
            origin(from),
            share_words(self.errors.value),
            origin(self.errors.origin),
            millis(latency.p50),
            millis(latency.p95),
            millis(latency.p99),
            origin(latency.origin),
            count(self.visitors.value.round() as u64, "visitor", "visitors"),
            origin(self.visitors.origin),
        )
    }
}

impl Bad {
    /// What is bad, as a sentence has it after a version that: `fails 5 % of its requests`.
    pub fn words(&self) -> String {
        match self {
            Bad::Failures(share) => format!("fails {} of its requests", share_words(*share)),
            Bad::Slower(slower) => format!("takes {} longer", share_words(*slower)),
        }
    }
}

/// Puts the forecast into words.
pub(super) fn say(forecast: &mut Forecast, plan: &Plan) {
    for step in &mut forecast.steps {
        step.words = step_words(step, &forecast.assumed.failing(&forecast.traffic));
    }
    let say = |outcome: &mut Outcome| outcome.words = outcome_words(outcome, plan);
    say(&mut forecast.failing);
    say(&mut forecast.slower);
    forecast.levels.iter_mut().for_each(say);
    forecast.words = all_words(forecast);
}

/// Rarer false alarms of fixed bounds are not worth a word.
const BY_CHANCE_MIN: f64 = 0.01;

fn all_words(forecast: &Forecast) -> Vec<String> {
    let mut words = Vec::new();
    if forecast.traffic.rate.value <= 0.0 {
        words.push("No requests come, so that nothing can be proved; say how many are expected".to_owned());
    }
    let without = if forecast.undecided.is_empty() { "" } else { ", without what nobody can tell" };
    words.push(format!("If nothing is wrong, the release takes {}{without}", forecast.takes.rounded()));
    words.extend(forecast.undecided.iter().map(|why| format!("How long a step takes cannot be told, {why}")));
    words.push(forecast.failing.words.clone());
    words.push(forecast.slower.words.clone());
    if forecast.by_chance >= BY_CHANCE_MIN {
        words.push(format!(
            "A version as good as stable fails a fixed bound by chance in about {} of releases; ask for a larger sample \
             or a higher bound",
            share_words(forecast.by_chance)
        ));
    }
    let never = forecast
        .never
        .iter()
        .map(|never| format!("`{}` cannot tell in any step: {}", never.check, never.doubt.text));
    words.extend(never);
    words
}

fn outcome_words(outcome: &Outcome, plan: &Plan) -> String {
    let what = outcome.bad.words();
    let cost = match outcome.failed {
        Some(failed) => format!(
            "{} fail on the way, and {} meet it",
            count(failed, "request", "requests"),
            count(outcome.people, "person", "people")
        ),
        None => format!("{} meet it", count(outcome.people, "person", "people")),
    };
    let (Some(after), Some(step)) = (outcome.found_after, &outcome.step) else {
        return format!("A version that {what} is not found: {cost}");
    };
    let by = outcome.by.and_then(|index| plan.checks.get(index));
    let by = by.map(|check| format!(" by `{}`", check.words())).unwrap_or_default();
    let surely = match outcome.surely_after {
        Some(surely) => format!("nine times in ten within {}", surely.rounded()),
        None => "not always before the release ends".to_owned(),
    };
    match outcome.found >= 0.5 {
        true => format!(
            "A version that {what} is found after about {}, in step {step}{by}, {surely}: {cost}",
            after.rounded()
        ),
        false => {
            format!("A version that {what} is found in {} of cases only: {cost}", share_words(outcome.found))
        }
    }
}

fn step_words(step: &StepForecast, bad: &Bad) -> Vec<String> {
    if !matches!(step.kind, StepKind::Expose | StepKind::Ramp) {
        return step
            .undecided
            .iter()
            .map(|why| format!("Nobody can tell how long it takes: {why}"))
            .collect();
    }
    let mut words = Vec::new();
    match (&step.takes, &step.undecided) {
        (Some(takes), _) => words.push(format!(
            "It takes {}; by its end {} have met the new version",
            takes.rounded(),
            count(step.people, "person", "people")
        )),
        (None, Some(why)) => {
            words.push(format!(
                "How long it takes cannot be told, since {why}; reckoned with {}",
                step.counted
            ));
        }
        (None, None) => {}
    }
    if step.has_segments {
        words.push(
            "People in segments are not reckoned with, since nobody knows how many they are".to_owned(),
        );
    }
    if step.has_segments && step.requests == 0 {
        return words;
    }
    let what = bad.words();
    words.push(match (step.finds_after, step.finds_surely_after) {
        (Some(after), Some(surely)) => format!(
            "A version that {what} from this step on is found after about {}, nine times in ten within {}",
            after.rounded(),
            surely.rounded()
        ),
        (Some(after), None) => {
            format!(
                "A version that {what} from this step on is found after about {}, but not always",
                after.rounded()
            )
        }
        (None, _) => format!("A version that {what} from this step on is hardly found in this step"),
    });
    words.push(match step.smallest {
        Some(smallest) => {
            format!("The fewest failures that are found in it are about {}", share_words(smallest))
        }
        None => "Not even a version that fails every request is found in it".to_owned(),
    });
    if let Some(slower) = step.smallest_slower {
        words.push(format!("Requests that take {} longer or more are found in it", share_words(slower)));
    }
    words.push(format!(
        "A version that {what} costs {} by its end, {} if it were never found",
        count(step.failed, "failed request", "failed requests"),
        number(step.failed_at_most as f64)
    ));
    words.extend(doubts(step));
    words
}

/// What the checks of a step cannot do.
fn doubts(step: &StepForecast) -> impl Iterator<Item = String> + '_ {
    step.checks.iter().filter_map(|check| {
        let doubt = check.doubt.as_ref()?;
        let cannot = match check.passes_after {
            None => "cannot tell",
            Some(_) => "can pass, but not find the assumed fault",
        };
        Some(format!("`{}` {cannot}: {}", check.words, doubt.text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let numbers = [0.0, 0.25, 9.96, 1234.0, 12_345.6, 1_234_567.0].map(number);
        assert_eq!(numbers, ["0", "0.3", "10", "1234", "12 345", "1 234 567"]);
        let shares = [0.0, 0.0015, 0.0123, 0.05, 0.123, 1.0, 0.000_04, 9.0].map(share_words);
        assert_eq!(shares, ["0 %", "0.15 %", "1.2 %", "5 %", "12 %", "100 %", "0.004 %", "900 %"]);
    }
}
