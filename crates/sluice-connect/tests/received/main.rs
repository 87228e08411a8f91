//! Metrics and alerts that other programs hand in, by real programs over real sockets.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

mod alerts;
mod answers;
mod documented;
mod sdk;
mod sender;
mod world;
