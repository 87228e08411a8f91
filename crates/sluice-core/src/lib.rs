//! The part of Sluice that decides. Pure: no clock, no IO, no randomness, no hash-ordered maps.
//!
//! Everything here is a function on values. Time arrives as [`Timestamp`]; the outside world arrives as
//! [`release::Event`]; what should happen to it leaves as [`release::Effect`]. The engine, the gateway and the
//! tests all call the same code, so that what was tested is what runs.
//!
//! | module | what it answers |
//! |---|---|
//! | [`document`] | what people write: parsed once, strictly, every problem at once |
//! | [`condition`] | does this visitor match this CEL rule? |
//! | [`calendar`] | may something begin now, and if not, when? |
//! | [`bucket`] | where in 0..100 000 does this visitor fall? |
//! | [`routing`] | who gets which version: the snapshot that a gateway serves |
//! | [`release`] | how a release lives: one state machine |
//! | [`builtin`] | policies and metrics that exist without any file |

pub mod agent;
pub mod bucket;
pub mod builtin;
pub mod calendar;
pub mod condition;
pub mod counts;
pub mod document;
pub mod forecast;
pub mod id_set;
pub mod lint;
pub mod name;
pub mod network;
pub mod release;
pub mod routing;
pub mod schedule;
pub mod time;
pub mod weight;

pub use counts::Counts;
pub use name::{Name, ServiceKey, VersionName};
pub use sluice_stats as stats;
pub use time::{Span, Timestamp};
pub use weight::Weight;
