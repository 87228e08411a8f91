//! Why a request got its version, as programs and people read it.

use super::Why;
use crate::Name;

impl<'a> Why<'a> {
    /// A stable word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Why::NoRelease => "no-release",
            Why::Preview => "preview",
            Why::Excluded(_) => "excluded",
            Why::Segment(_) => "segment",
            Why::Share => "share",
            Why::Carried => "carried",
            Why::NotChosen => "not-chosen",
            Why::CandidateNotReady => "candidate-not-ready",
        }
    }

    /// The segment that decided, if one did.
    pub const fn segment(self) -> Option<&'a Name> {
        match self {
            Why::Excluded(segment) | Why::Segment(segment) => Some(segment),
            _ => None,
        }
    }
}
