//! Nothing that happened is lost from the log, or in it twice.

use sluice_core::release::{Release, TIMELINE_MAX};

use super::{Audit, Book};
use sluice_engine::port::store::EventRecord;

impl Book {
    /// Compares what a commit adds to the log with what it adds to the release's timeline.
    pub(super) fn judge_log(
        &mut self,
        next: &Release,
        before: Option<&Release>,
        told: &[&str],
    ) -> Option<String> {
        let before = before.map(|before| before.timeline.as_slice()).unwrap_or_default();
        let known = before.iter().map(|entry| entry.text.as_str());
        let mut expected: Vec<&str> = known.chain(told.iter().copied()).collect();
        expected.drain(..expected.len().saturating_sub(TIMELINE_MAX));
        let is_same = next.timeline.iter().map(|entry| entry.text.as_str()).eq(expected.iter().copied());
        let all = self.told.entry(next.name.clone()).or_default();
        all.extend(told.iter().map(ToString::to_string));
        let count = next.timeline.len();
        (!is_same).then(|| format!("{}: its {count} entries are not those before and {told:?}", next.name))
    }
}

impl Audit {
    /// Compares the log at the end with what was added to it.
    pub(in crate::simulation) fn judge_whole_log(&self, events: &[EventRecord]) {
        let mut found = Vec::new();
        for (index, event) in events.iter().enumerate() {
            if event.seq != index as u64 + 1 {
                found.push(format!("event {} stands at place {}", event.seq, index + 1));
            }
        }
        for (name, told) in &self.lock().told {
            let of = events.iter().filter(|event| event.subject.name == *name);
            if !of.map(|event| &event.text).eq(told.iter()) {
                found.push(format!("the log of {name} is not what was added to it"));
            }
        }
        found.into_iter().for_each(|what| self.breach(what));
    }

    /// How often a person's words were noted as done.
    pub(in crate::simulation) fn times_noted(events: &[EventRecord], words: &str) -> usize {
        const DONE: [&str; 7] =
            ["Promoted", "Paused", "Resumed", "Started again", "Approved", "Rejected", "Overridden"];
        let is_noted =
            |event: &&EventRecord| DONE.iter().any(|done| event.text == format!("{done}: {words}"));
        events.iter().filter(is_noted).count()
    }
}
