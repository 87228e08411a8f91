//! What visitors saw, and what follows from it. Pure.
//!
//! Nothing here comes from the server but the moment at which it began to take a release back: who met what, what
//! failed and how long it lasted is what visitors themselves read in their answers.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::{Span, Timestamp};

/// One request of one visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) visitor: usize,
    pub(crate) answered: Timestamp,
    /// Who answered, as the response says; nobody when there was none.
    pub(crate) version: Option<String>,
    /// A response of class 5xx, or none.
    pub(crate) is_failure: bool,
}

/// What one release did to visitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Visitors who met the candidate.
    pub(crate) exposed: usize,
    /// Visitors who came at all.
    pub(crate) visitors: usize,
    /// Requests that failed, whoever answered.
    pub(crate) failed: usize,
    /// Requests in all.
    pub(crate) requests: usize,
    /// From the first failure of the candidate to its last answer to anybody.
    pub(crate) first_bad_to_last_met: Option<Span>,
    /// Visitors who met the candidate and then the version before, while it was not being taken back.
    pub(crate) flipped: usize,
}

/// Counts what visitors saw of a candidate. `turned_back` is when the release began to be taken back, if it was: from
/// then on, going back to the version before is what should happen.
pub(crate) fn findings(visits: &[Visit], candidate: &str, turned_back: Option<Timestamp>) -> Findings {
    let of_candidate = || visits.iter().filter(|visit| visit.version.as_deref() == Some(candidate));
    let exposed: BTreeSet<usize> = of_candidate().map(|visit| visit.visitor).collect();
    let visitors: BTreeSet<usize> = visits.iter().map(|visit| visit.visitor).collect();
    let first_bad = of_candidate().filter(|visit| visit.is_failure).map(|visit| visit.answered).min();
    let last_met = of_candidate().map(|visit| visit.answered).max();
    let first_bad_to_last_met = first_bad.zip(last_met).map(|(bad, last)| last.since(bad));
    Findings {
        exposed: exposed.len(),
        visitors: visitors.len(),
        failed: visits.iter().filter(|visit| visit.is_failure).count(),
        requests: visits.len(),
        first_bad_to_last_met,
        flipped: flipped(visits, candidate, turned_back),
    }
}

/// A visitor sends one request after another, so the order of answers is the order in which they were decided. An
/// answer that came before the release turned back was decided before, too.
fn flipped(visits: &[Visit], candidate: &str, turned_back: Option<Timestamp>) -> usize {
    let mut by_visitor: BTreeMap<usize, Vec<&Visit>> = BTreeMap::new();
    for visit in visits {
        by_visitor.entry(visit.visitor).or_default().push(visit);
    }
    let is_in_time = |visit: &Visit| turned_back.is_none_or(|turned_back| visit.answered < turned_back);
    for visits in by_visitor.values_mut() {
        visits.sort_by_key(|visit| visit.answered);
    }
    by_visitor
        .values()
        .filter(|visits| {
            let answered = visits.iter().filter(|visit| visit.version.is_some());
            answered
                .skip_while(|visit| visit.version.as_deref() != Some(candidate))
                .any(|visit| visit.version.as_deref() != Some(candidate) && is_in_time(visit))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(visitor: usize, millis: i64, version: &str, is_failure: bool) -> Visit {
        let version = (!version.is_empty()).then(|| version.to_owned());
        Visit { visitor, answered: Timestamp::from_millis(millis), version, is_failure }
    }

    #[test]
    fn a_visitor_who_went_back_before_the_release_did_has_flipped() {
        let visits = [
            visit(1, 10, "old", false),
            visit(1, 20, "new", false),
            visit(1, 30, "old", false),
            visit(2, 10, "new", false),
            visit(2, 50, "old", false),
        ];
        assert_eq!(findings(&visits, "new", None).flipped, 2);
        assert_eq!(findings(&visits, "new", Some(Timestamp::from_millis(40))).flipped, 1);
        assert_eq!(findings(&visits, "new", Some(Timestamp::from_millis(25))).flipped, 0);
    }

    #[test]
    fn what_visitors_saw_is_counted_whoever_answered() {
        let visits = [
            visit(1, 10, "old", false),
            visit(2, 20, "new", false),
            visit(2, 120, "new", true),
            visit(3, 300, "new", false),
            visit(1, 400, "", true),
            visit(2, 500, "old", false),
        ];
        let expected = Findings {
            exposed: 2,
            visitors: 3,
            failed: 2,
            requests: 6,
            first_bad_to_last_met: Some(Span::from_millis(180)),
            flipped: 0,
        };
        assert_eq!(findings(&visits, "new", Some(Timestamp::from_millis(310))), expected);
    }

    #[test]
    fn without_a_failure_there_is_no_time_to_tell() {
        assert_eq!(findings(&[visit(1, 10, "new", false)], "new", None).first_bad_to_last_met, None);
    }
}
