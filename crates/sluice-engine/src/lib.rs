//! The loop: load → decide → commit → act.
//!
//! The engine owns time and the order of things; it decides nothing. For each live release one task waits for
//! whatever can move it (a verb, a change of readiness or traffic, the next second), asks
//! [`sluice_core::release::step`] what follows, commits the new state with its events and pending effects in one
//! transaction, and only then carries the effects out. A crash between any two lines therefore loses nothing and
//! repeats only what is idempotent.
//!
//! Everything outside comes in through the traits in [`port`].

pub mod port;
pub mod resource;

pub use resource::{Caller, Resource};
