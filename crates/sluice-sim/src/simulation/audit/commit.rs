//! What must hold of every commit that moves a release.

use sluice_core::calendar::Openness;
use sluice_core::release::{Exposure, Pause, Phase, Release, Return};
use sluice_core::{Span, Timestamp};

use super::{Book, SLACK};

impl Book {
    /// Everything that is wrong with a step from one state to the next.
    pub(super) fn judge(&self, before: &Release, next: &Release, passed: i64, now: Timestamp) -> Vec<String> {
        let mut found = Vec::new();
        let is_same_attempt = before.attempt == next.attempt;
        found.extend(members_in_order(next));
        found.extend(keeps_out(next));
        if is_same_attempt {
            found.extend(no_growth_on_the_way_back(before, next));
            found.extend(self.aborts_end(next));
            if before.phase.is_over() {
                found.push("it was over and moved without a retry".to_owned());
            }
            if before.no_return.is_some() && is_taken_back(next) {
                found.push("people are taken back past the point of no return".to_owned());
            }
        }
        found.extend(self.only_to_ready_endpoints(before, next, passed));
        found.extend(self.heeds_the_calendar(before, next, passed, now));
        found.extend(self.ends_well(next));
        found.extend(self.counts_once(next));
        found.into_iter().map(|what| format!("{}: {what}", next.name)).collect()
    }

    fn aborts_end(&self, next: &Release) -> Option<String> {
        let is_aborted = self.aborted.get(&next.name) == Some(&next.attempt);
        let goes_on = !matches!(next.phase, Phase::Aborted { .. })
            && !matches!(next.phase, Phase::RollingBack { why: Return::Aborted(_), .. });
        (is_aborted && goes_on).then(|| format!("it was aborted, and is {:?}", next.phase.name()))
    }

    /// More people meet a candidate only while every candidate is ready, and fewer only while stable is ready to take
    /// them, or the candidate is not ready either.
    fn only_to_ready_endpoints(&self, before: &Release, next: &Release, passed: i64) -> Vec<String> {
        let is_late = passed - self.troubled_at < SLACK;
        let mut found = Vec::new();
        for (before, after) in before.members().zip(next.members()) {
            if before.given == after.given || before.service != after.service {
                continue;
            }
            let is_ready = |version: &sluice_core::VersionName| {
                let told = self.reported.get(&(after.service.clone(), version.clone()));
                told.filter(|(_, since)| passed - since >= SLACK && !is_late).map(|(is_ready, _)| *is_ready)
            };
            let (stable, candidate) = (is_ready(after.from), is_ready(after.to));
            if !before.given.covers(after.given) && candidate == Some(false) {
                found.push(format!("more people meet {} {}, which is not ready", after.service, after.to));
            }
            let is_less = before.given.covers(after.given) && !before.given.is_nobody();
            if is_less && stable == Some(false) && candidate == Some(true) {
                found.push(format!(
                    "people are taken back to {} {}, which is not ready",
                    after.service, after.from
                ));
            }
        }
        found
    }

    /// Nobody new meets a candidate while the calendar is closed, unless somebody has said so.
    fn heeds_the_calendar(
        &self,
        before: &Release,
        next: &Release,
        passed: i64,
        now: Timestamp,
    ) -> Option<String> {
        if before.traffic.desired.covers_people(&next.traffic.desired) || next.override_by.is_some() {
            return None;
        }
        if matches!(next.calendar, Openness::Closed { .. }) {
            return Some("more people meet it, and it knows that the calendar is closed".to_owned());
        }
        let (calendar, since) = self.calendars.get(&next.service.environment)?;
        let is_late = passed - since.max(&self.troubled_at) < SLACK;
        let earlier = Timestamp::from_millis(now.as_millis() - SLACK);
        let is_closed = |at| matches!(calendar.at(at), Openness::Closed { .. });
        let steps = (0..=4).map(|part| earlier.after(Span::from_millis(part * SLACK as u64 / 4)));
        let has_been_closed = steps.into_iter().all(is_closed);
        (has_been_closed && !is_late).then(|| "more people meet it, and the calendar is closed".to_owned())
    }

    /// Whatever is over without success has left nobody on the candidate, here and in the data plane.
    fn ends_well(&self, next: &Release) -> Option<String> {
        match &next.phase {
            Phase::Succeeded { .. } => {
                let is_everyone = next.members().all(|member| *member.given == Exposure::everyone());
                (!is_everyone).then(|| "it has succeeded, and not everyone has it".to_owned())
            }
            phase if phase.is_over() => {
                let is_given = next.members().any(|member| !member.given.is_idle());
                let of = |routing: &&std::sync::Arc<sluice_core::routing::ServiceRouting>| {
                    routing.split.as_ref().is_some_and(|split| {
                        split.release == next.name
                            && split.include.iter().any(|share| share.weight.parts() > 0)
                    })
                };
                let is_met = self.in_force.services.values().find(of).map(|routing| &routing.key);
                match (is_given, is_met) {
                    (true, _) => Some("it is over, and people are given the candidate".to_owned()),
                    (_, Some(key)) => Some(format!("it is over, and people meet the candidate of {key}")),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// No request is counted twice.
    fn counts_once(&self, next: &Release) -> Option<String> {
        let sent = self.requests.get(&(next.service.clone(), next.to.clone())).copied().unwrap_or(0);
        let counted = next.exposed.requests;
        (counted > sent).then(|| format!("it has counted {counted} requests of {sent}"))
    }
}

fn is_taken_back(release: &Release) -> bool {
    use Phase::{Aborted, RolledBack, RollingBack, Superseded};
    matches!(release.phase, RollingBack { .. } | RolledBack { .. } | Aborted { .. } | Superseded { .. })
}

/// Whoever every step of the plan keeps out does not meet the candidate before the end.
fn keeps_out(next: &Release) -> Option<String> {
    let is_the_end = matches!(next.phase, Phase::Promoting { .. } | Phase::Succeeded { .. });
    let (first, rest) = next.plan.steps.split_first()?;
    let is_out =
        |segment: &&sluice_core::Name| rest.iter().all(|step| step.exposure.exclude.contains(segment));
    let out = first.exposure.exclude.iter().find(is_out)?;
    let lets_in =
        |given: &Exposure| !given.is_nobody() && !given.is_everyone() && !given.exclude.contains(out);
    let met = next.members().any(|member| lets_in(member.given));
    (met && !is_the_end).then(|| format!("{out} is to be kept out, and meets it"))
}

/// Whoever meets the candidate of a service finds those of the services before it.
fn members_in_order(next: &Release) -> Option<String> {
    let given: Vec<&Exposure> = next.members().map(|member| member.given).collect();
    let is_out_of_order = |pair: &&[&Exposure]| !pair[0].covers(&pair[1].scaled(1, 1));
    let pair = given.windows(2).find(is_out_of_order)?;
    Some(format!("{} comes before {}", pair[1].words(), pair[0].words()))
}

/// Once a check has failed or people are on their way back, nobody else is let in before somebody says so.
fn no_growth_on_the_way_back(before: &Release, next: &Release) -> Option<String> {
    let was_stopped = match before.phase {
        Phase::RollingBack { .. } => true,
        Phase::Paused { why: Pause::CheckFailed, .. } => matches!(next.phase, Phase::Paused { .. }),
        _ => before.phase.is_over(),
    };
    if was_stopped && matches!(before.phase, Phase::RollingBack { .. }) && !is_back(&next.phase) {
        return Some(format!("it was on its way back, and is {:?}", next.phase.name()));
    }
    let pairs = before.members().zip(next.members());
    let grows = |(before, next): (sluice_core::release::Member<'_>, sluice_core::release::Member<'_>)| {
        let both_nobody = before.given.is_idle() && next.given.is_idle();
        !both_nobody && !before.given.covers(next.given)
    };
    (was_stopped && pairs.into_iter().any(grows)).then(|| "somebody was let in on the way back".to_owned())
}

fn is_back(phase: &Phase) -> bool {
    matches!(phase, Phase::RollingBack { .. }) || phase.is_over() && !matches!(phase, Phase::Succeeded { .. })
}
