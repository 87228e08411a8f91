//! The services of a release, one after the other: more people are let in from the first to the last, each when the
//! change before is in force, and fewer from the last to the first. So whoever meets the candidate of one service finds
//! the candidates of those that it needs.

use crate::release::effect::Effect;
use crate::release::event::{Endpoints, Observation, Seen};
use crate::release::phase::{Phase, longer};
use crate::release::reason::{capitalized, who_meet};
use crate::release::status::TimelineKind;
use crate::release::step::Draft;
use crate::release::{Exposure, LastEndpoints, Member, Release};
use crate::{Counts, Span};

/// What was seen of one service.
#[derive(Clone, Copy)]
pub(in crate::release) struct Look<'a> {
    pub(in crate::release) stable: &'a Counts,
    pub(in crate::release) candidate: &'a Counts,
    pub(in crate::release) candidate_endpoints: Endpoints,
    pub(in crate::release) stable_endpoints: Endpoints,
}

impl Observation {
    /// What was seen of the release's own service.
    pub(in crate::release) fn own(&self) -> Look<'_> {
        Look {
            stable: &self.stable,
            candidate: &self.candidate,
            candidate_endpoints: self.candidate_endpoints,
            stable_endpoints: self.stable_endpoints,
        }
    }
}

impl Seen {
    pub(in crate::release) fn look(&self) -> Look<'_> {
        Look {
            stable: &self.stable,
            candidate: &self.candidate,
            candidate_endpoints: self.candidate_endpoints,
            stable_endpoints: self.stable_endpoints,
        }
    }
}

impl LastEndpoints {
    /// Notes which endpoints are ready, so long after the look before.
    pub(super) fn look(&mut self, seen: Look<'_>, elapsed: Span) {
        let unready_for = match (seen.candidate_endpoints.any_ready(), self.unready_for) {
            (true, _) => None,
            (false, None) => Some(Span::ZERO),
            (false, Some(before)) => Some(longer(before, elapsed)),
        };
        *self =
            LastEndpoints { stable: seen.stable_endpoints, candidate: seen.candidate_endpoints, unready_for };
    }
}

impl Release {
    /// Which endpoints of each service were ready when that was last seen, companions first.
    pub(in crate::release) fn all_endpoints(&self) -> impl DoubleEndedIterator<Item = &LastEndpoints> {
        let companions = self.companions.iter().map(|companion| &companion.endpoints);
        companions.chain(std::iter::once(&self.endpoints))
    }

    /// Whether a version can be released: some endpoint is ready, or it has none at all, as a worker, and nobody is
    /// ever sent to it.
    pub(in crate::release) fn is_ready(&self, candidate: Endpoints) -> bool {
        candidate.any_ready() || self.plan.watch_only && candidate.total == 0
    }

    /// The first service whose candidate is not ready, with its endpoints.
    pub(in crate::release) fn unready(&self) -> Option<(Member<'_>, LastEndpoints)> {
        let mut members = self.members().zip(self.all_endpoints());
        let (member, endpoints) = members.find(|(_, endpoints)| !self.is_ready(endpoints.candidate))?;
        Some((member, *endpoints))
    }

    /// The service's name, where it takes one to tell which is meant.
    pub(in crate::release) fn named(&self, member: &Member<'_>) -> Option<crate::Name> {
        (!self.companions.is_empty()).then(|| member.service.name.clone())
    }

    /// The candidates in words: `2.1.0`, or `payments 1.4.0 and checkout 2.1.0`.
    fn candidates(&self) -> String {
        if self.companions.is_empty() {
            return self.to.to_string();
        }
        let all: Vec<String> =
            self.members().map(|member| format!("{} {}", member.service.name, member.to)).collect();
        match all.as_slice() {
            [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
            [] => String::new(),
        }
    }
}

impl Draft {
    /// Decides who should meet the candidate, and sets the first service going.
    pub(super) fn expose(&mut self, exposure: Exposure) {
        let traffic = &mut self.next.traffic;
        // Nobody can be written in several ways.
        let is_still_idle = traffic.desired.is_idle() && exposure.is_idle();
        if traffic.desired == exposure || is_still_idle {
            return;
        }
        // As with a release that an earlier Sluice wrote.
        let before = traffic.desired.clone();
        traffic.given.resize(self.next.companions.len() + 1, before);
        traffic.desired = exposure;
        self.move_on();
    }

    /// Sets the next service going if the change before is in force; for those that had to wait for endpoints.
    pub(super) fn move_if_waiting(&mut self) {
        let traffic = &self.next.traffic;
        if traffic.observed_change == traffic.desired_change && !traffic.agrees() {
            self.move_on();
        }
    }

    fn move_on(&mut self) {
        let Some(index) = self.next_to_move() else { return };
        if !self.may_move(index) {
            return;
        }
        let traffic = &mut self.next.traffic;
        traffic.given[index] = traffic.desired.clone();
        traffic.desired_change += 1;
        self.effects.push(Effect::ApplyTraffic { change: traffic.desired_change });
    }

    /// First whoever has too many, from the last to the first, then whoever has too few, from the first to the last.
    fn next_to_move(&self) -> Option<usize> {
        let traffic = &self.next.traffic;
        let has_too_many =
            |given: &Exposure| *given != traffic.desired && given.covers_people(&traffic.desired);
        let differs = |given: &Exposure| *given != traffic.desired;
        traffic.given.iter().rposition(has_too_many).or_else(|| traffic.given.iter().position(differs))
    }

    /// Traffic only ever goes to versions with ready endpoints, while the other one has any; and nobody else is let in
    /// once the release is paused or on its way back.
    fn may_move(&self, index: usize) -> bool {
        let Some((endpoints, given)) =
            self.next.all_endpoints().nth(index).zip(self.next.traffic.given.get(index))
        else {
            return false;
        };
        let desired = &self.next.traffic.desired;
        // Down to a step in which requests are copied, people go back all the same.
        let goes_back = given.covers_people(desired) && !desired.covers_people(given);
        if goes_back || given.covers(desired) {
            given.is_nobody() || endpoints.stable.any_ready() || !endpoints.candidate.any_ready()
        } else {
            let lets_in = !matches!(self.next.phase, Phase::Paused { .. } | Phase::RollingBack { .. });
            lets_in && self.next.unready().is_none()
        }
    }

    /// The service that cannot go back now, since no endpoint of its stable version is ready to take people: of those
    /// that are still to go back, the first that would.
    pub(super) fn stuck(&self) -> Option<Member<'_>> {
        let is_in_force = self.next.traffic.observed_change == self.next.traffic.desired_change;
        let index = self.next.traffic.given.iter().rposition(|given| !given.is_idle())?;
        let endpoints = self.next.all_endpoints().nth(index)?;
        let given = self.next.traffic.given.get(index)?;
        let can_go = given.is_nobody() || endpoints.stable.any_ready() || !endpoints.candidate.any_ready();
        let is_going = !is_in_force && self.next.traffic.desired.is_nobody();
        if can_go || is_going { None } else { self.next.members().nth(index) }
    }

    pub(super) fn in_force(&mut self, change: u64) {
        let traffic = &mut self.next.traffic;
        // What was superseded on its way tells nothing about what is wanted now.
        if change < traffic.desired_change || traffic.observed_change == traffic.desired_change {
            return;
        }
        traffic.observed_change = traffic.desired_change;
        if let Some(own) = traffic.given.last() {
            traffic.observed = own.clone();
        }
        if !traffic.agrees() {
            return self.move_on();
        }
        traffic.observed = traffic.desired.clone();
        let candidates = self.next.candidates();
        let text = match self.next.traffic.observed.words().as_str() {
            "nobody" => format!("Nobody meets {candidates} any more"),
            audience => capitalized(&who_meet(audience, &format!("{candidates} now"))),
        };
        self.note(TimelineKind::Traffic, text);
        match self.next.phase {
            Phase::Progressing(_) => self.begin_hold_if_in_force(),
            Phase::Promoting { .. } => self.succeed(),
            Phase::RollingBack { .. } => self.end_return_if_in_force(),
            _ => {}
        }
    }
}
