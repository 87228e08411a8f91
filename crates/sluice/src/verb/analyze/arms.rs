//! What a batch says of both versions, by kind, checked.

use sluice_stats::{Arms, Events, Histogram, Trials};

use super::fault::Fault;
use super::line::{Arm, Batch, Count, Kind, Unit};
use super::question;

/// The longest time that is told from longer ones, in milliseconds: that of the last bucket of a histogram.
const MILLIS_MAX: f64 = 1e12;

/// Reads a batch of proportions: of the units that are independent of each other.
///
/// # Errors
/// As all readers here: with the field that is missing, belongs to another kind, or cannot be.
pub(super) fn trials(batch: &Batch, unit: Unit) -> Result<Arms<Trials>, Fault> {
    both(batch, |arm, path| {
        refuse(arm, path, Kind::Proportion, &["events", "exposure", "values"])?;
        let of_requests = part(arm.n, arm.k, path, ["n", "k"])?;
        match unit {
            Unit::Request if arm.units.is_none() && arm.unit_k.is_none() => Ok(of_requests),
            Unit::Request => part(arm.units, arm.unit_k, path, ["units", "unit_k"]).map(|_| of_requests),
            Unit::User => part(arm.units, arm.unit_k, path, ["units", "unit_k"]),
        }
    })
}

/// Reads a batch of events.
pub(super) fn events(batch: &Batch) -> Result<Arms<Events>, Fault> {
    both(batch, |arm, path| {
        refuse(arm, path, Kind::Count, &["n", "k", "units", "unit_k", "values"])?;
        let events = count(arm.events, path, "events")?;
        let exposure = arm.exposure.ok_or_else(|| missing(path, "exposure", "a number"))?;
        let field = || format!("{path}.exposure");
        if exposure < 0.0 {
            let why = format!("is {exposure}, which is negative");
            return Err(Fault::new(field(), why, "it is the time or the requests that the events came from"));
        }
        if exposure == 0.0 && events > 0 {
            let why = format!("is 0, and yet there were events: {events}");
            return Err(Fault::new(field(), why, "book events and what they came from in the same batch"));
        }
        Ok(Events { events, exposure })
    })
}

/// Reads a batch of times, in milliseconds.
pub(super) fn times(batch: &Batch) -> Result<Arms<Histogram>, Fault> {
    both(batch, |arm, path| {
        refuse(arm, path, Kind::Latency, &["n", "k", "units", "unit_k", "events", "exposure"])?;
        let values = arm.values.as_ref().ok_or_else(|| missing(path, "values", "a list of numbers"))?;
        let mut times = Histogram::default();
        for (at, millis) in values.iter().enumerate() {
            if !(0.0..=MILLIS_MAX).contains(millis) {
                let why = if *millis < 0.0 { "which is negative" } else { "which is no time" };
                let why = format!("is {millis}, {why}");
                return Err(Fault::new(format!("{path}.values[{at}]"), why, "times are milliseconds from 0"));
            }
            times.record((millis * 1000.0).round() as u64);
        }
        Ok(times)
    })
}

/// Reads how many reached which version.
pub(super) fn visitors(batch: &Batch) -> Result<Arms<u64>, Fault> {
    both(batch, |arm, path| {
        refuse(arm, path, Kind::Allocation, &["k", "units", "unit_k", "events", "exposure", "values"])?;
        count(arm.n, path, "n")
    })
}

fn both<T>(batch: &Batch, read: impl Fn(&Arm, &str) -> Result<T, Fault>) -> Result<Arms<T>, Fault> {
    let stable = read(&batch.stable, "batch.stable")?;
    let candidate = read(&batch.candidate, "batch.candidate")?;
    Ok(Arms { stable, candidate })
}

/// Refuses fields that belong to another kind: whoever writes them means something else.
fn refuse(arm: &Arm, path: &str, kind: Kind, others: &[&str]) -> Result<(), Fault> {
    let given = [
        ("n", arm.n.is_some()),
        ("k", arm.k.is_some()),
        ("units", arm.units.is_some()),
        ("unit_k", arm.unit_k.is_some()),
        ("events", arm.events.is_some()),
        ("exposure", arm.exposure.is_some()),
        ("values", arm.values.is_some()),
    ];
    match given.iter().find(|(name, is_given)| *is_given && others.contains(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let why = format!("does not belong to kind `{}`", question::name(kind));
            Err(Fault::new(format!("{path}.{name}"), why, format!("an arm of it is {}", shape(kind))))
        }
    }
}

/// What an arm of a kind looks like.
const fn shape(kind: Kind) -> &'static str {
    match kind {
        Kind::Proportion => r#"{"n":…,"k":…}, with unit `user` {"n":…,"k":…,"units":…,"unit_k":…}"#,
        Kind::Count => r#"{"events":…,"exposure":…}"#,
        Kind::Latency => r#"{"values":[…]}"#,
        Kind::Allocation => r#"{"n":…}"#,
    }
}

/// A number of things and how many of them are of a sort.
fn part(n: Option<Count>, k: Option<Count>, path: &str, names: [&str; 2]) -> Result<Trials, Fault> {
    let [all, some] = names;
    let (n, k) = (count(n, path, all)?, count(k, path, some)?);
    if k > n {
        let why = format!("is {k}, which is more than `{all}`, {n}");
        return Err(Fault::new(format!("{path}.{some}"), why, format!("`{some}` is a part of `{all}`")));
    }
    Ok(Trials::new(n, k))
}

fn count(given: Option<Count>, path: &str, name: &str) -> Result<u64, Fault> {
    given.map(|Count(count)| count).ok_or_else(|| missing(path, name, "a whole number"))
}

fn missing(path: &str, name: &str, must: &str) -> Fault {
    Fault::new(format!("{path}.{name}"), "is missing", format!("add it: it must be {must}, 0 or more"))
}
