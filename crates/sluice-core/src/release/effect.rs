//! What follows from an event.

use serde::{Deserialize, Serialize};

use crate::release::Release;
use crate::release::reason::Reason;
use crate::release::status::TimelineEntry;
use crate::{ServiceKey, VersionName};

/// What follows from an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The release afterwards.
    pub next: Release,
    /// What is to be carried out once that is committed, in order.
    pub effects: Vec<Effect>,
    /// What happened, for the timeline (already in `next`) and the log.
    pub entries: Vec<TimelineEntry>,
    /// For a command: whether it was taken.
    pub answer: Answer,
}

impl Transition {
    /// Whether it must be on disk before anybody is told of it. What only counts may be written later.
    pub fn must_commit(&self) -> bool {
        !self.effects.is_empty() || !self.entries.is_empty()
    }

    /// Why the release is where it is now.
    pub fn reason(&self) -> &Reason {
        &self.next.reason
    }
}

/// Something to be done to the world. Doing it twice is the same as doing it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Put the release's desired exposure in force, and say so with
    /// [`Event::TrafficInForce`](super::Event::TrafficInForce).
    ApplyTraffic {
        /// Which change this was decided as.
        change: u64,
    },
    /// Note the version that people have, in the same commit.
    MakeLive {
        /// The service.
        service: ServiceKey,
        /// The version.
        version: VersionName,
    },
    /// Call the webhook of [`Release::calling`](super::Release), and say what came of it with
    /// [`Event::HookAnswered`](super::Event::HookAnswered).
    CallHook {
        /// The number of the call.
        number: u64,
    },
    /// Tell the next release of the service that it is its turn.
    StartNext,
}

/// Whether a command was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The event was no command.
    None,
    /// It was taken.
    Done,
    /// It was so already; nothing changed.
    Already,
    /// It does not fit where the release is; nothing changed.
    Refused {
        /// Why, and what would fit, in one plain sentence.
        why: String,
    },
}
