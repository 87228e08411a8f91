//! What must hold of every snapshot that the engine sends.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_core::release::{Member, Release};
use sluice_core::routing::{ServiceRouting, Snapshot, Split, decide};
use sluice_core::{Name, Weight};

use super::{Book, Visitor};

impl Book {
    /// Everything that is wrong with a snapshot: it must say what is known to be decided, or take people back.
    pub(super) fn judge_sent(&mut self, snapshot: &Arc<Snapshot>) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(sent) = &self.sent {
            let is_older = snapshot.generation < sent.generation;
            let is_other = snapshot.generation == sent.generation && snapshot != sent;
            if is_older || is_other {
                found.push(format!("generation {} was sent after {}", snapshot.generation, sent.generation));
            }
        }
        for release in self.known.values().filter(|release| release.steers()) {
            for member in release.members() {
                let routing = snapshot.services.get(member.service);
                found.extend(judge_member(release, &member, routing.map(AsRef::as_ref)));
            }
        }
        for routing in snapshot.services.values() {
            let steers = routing.split.as_ref().map(|split| &split.release);
            let Some(name) = steers else { continue };
            if self.known.get(name).is_none_or(|release| !release.steers()) {
                found.push(format!("{} is steered by {name}, which is over or not known", routing.key));
            }
        }
        self.sent = Some(Arc::clone(snapshot));
        found
    }
}

fn judge_member(release: &Release, member: &Member<'_>, routing: Option<&ServiceRouting>) -> Option<String> {
    let key = member.service;
    let routing = routing?;
    let Some(split) = routing.split.as_ref().filter(|split| split.release == release.name) else {
        let has_people = !member.given.is_idle();
        return has_people.then(|| format!("{key} is not steered by {}", release.name));
    };
    if split.candidate != *member.to || routing.stable != *member.from {
        return Some(format!("{key} is between {} and {}", routing.stable, split.candidate));
    }
    let given: Vec<(Option<&Name>, Weight)> =
        member.given.include.iter().map(|rule| (rule.segment.as_ref(), rule.percent.0)).collect();
    let sent: Vec<(Option<&Name>, Weight)> = split
        .include
        .iter()
        .map(|share| (share.segment.as_ref().map(|rule| &rule.segment), share.weight))
        .collect();
    // People come first: they are taken back before that is on record, when it cannot be recorded.
    let is_taking_back = sent.iter().all(|(_, weight)| *weight == Weight::ZERO);
    let is_same = given == sent && split.exclude.iter().map(|rule| &rule.segment).eq(&member.given.exclude);
    if is_same || is_taking_back {
        return None;
    }
    Some(format!("{key} is given {sent:?} and {} was decided", member.given.words()))
}

/// Everybody who loses the candidate while its share grows, or meets it while the share shrinks.
pub(super) fn flips(before: &Snapshot, after: &Snapshot, visitors: &[Visitor]) -> Vec<String> {
    let mut found = Vec::new();
    for (key, now) in &after.services {
        let Some(old) = before.services.get(key).filter(|old| *old != now) else { continue };
        let (Some(was), Some(is)) = (&old.split, &now.split) else { continue };
        if was.release != is.release || was.salt != is.salt {
            continue;
        }
        let (before, after) = (taken_in(old, visitors), taken_in(now, visitors));
        if covers(is, was) && !before.is_subset(&after) {
            found.push(format!("{key}: somebody is taken off the candidate while its share grows"));
        }
        if covers(was, is) && !after.is_subset(&before) {
            found.push(format!("{key}: somebody meets the candidate anew while its share shrinks"));
        }
    }
    found
}

/// Whether whoever `narrow` takes in should be taken in by `wide`, by what is written.
fn covers(wide: &Split, narrow: &Split) -> bool {
    let name =
        |share: &sluice_core::routing::ShareRule| share.segment.as_ref().map(|rule| rule.segment.clone());
    let is_covered = |share: &sluice_core::routing::ShareRule| {
        wide.include.iter().any(|wider| {
            (wider.segment.is_none() || name(wider) == name(share)) && wider.weight >= share.weight
        })
    };
    let is_excluded = |rule: &sluice_core::routing::SegmentRule| {
        narrow.exclude.iter().any(|other| other.segment == rule.segment)
    };
    narrow.include.iter().all(is_covered) && wide.exclude.iter().all(is_excluded)
}

fn taken_in<'a>(routing: &ServiceRouting, visitors: &'a [Visitor]) -> BTreeSet<&'a str> {
    let candidate = routing.split.as_ref().map(|split| &split.candidate);
    let is_in = |visitor: &&Visitor| {
        Some(decide(routing, *visitor, routing.unit_of(*visitor).as_deref(), None, None, |_| true).version)
            == candidate
    };
    visitors.iter().filter(is_in).map(|visitor| visitor.unit.as_str()).collect()
}

/// A service's routing in words.
pub(super) fn words(routing: &ServiceRouting) -> String {
    let Some(split) = &routing.split else { return format!("everyone on {}", routing.stable) };
    let share = |share: &sluice_core::routing::ShareRule| {
        let of = share.segment.as_ref().map_or("everyone", |rule| rule.segment.as_str());
        format!("{} of {of}", share.weight)
    };
    let shares: Vec<String> = split.include.iter().map(share).collect();
    let shadow = split.shadow.map(|shadow| format!(", {} copied", shadow.weight)).unwrap_or_default();
    format!("{}: {} to {}{shadow}, {}", split.release, shares.join(" + "), split.candidate, routing.stable)
}
