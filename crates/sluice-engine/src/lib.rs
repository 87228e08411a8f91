//! The loop: load → decide → commit → act.
//!
//! The engine owns time and the order of things; it decides nothing. For each live release one task waits for
//! whatever can move it (a verb, a change of readiness or traffic, the next second), asks
//! [`sluice_core::release::step`] what follows, commits the new state with its events and pending effects in one
//! transaction, and only then carries the effects out. A crash between any two lines therefore loses nothing and
//! repeats only what is idempotent.
//!
//! Everything outside comes in through the traits in [`port`].

mod actor;
mod announce;
mod apply;
pub mod engine;
pub mod error;
mod explain;
pub mod forecast;
mod hook;
mod inner;
mod keep;
mod lint;
pub mod live;
mod load;
mod observer;
pub mod port;
mod prospect;
mod publisher;
mod query;
mod queue;
mod reader;
mod recorder;
mod releases;
pub mod resource;
mod sampler;
mod standing;
mod starter;
mod state;
mod wake;
mod world;

pub use engine::{Engine, Parts, Settings, Telemetry};
pub use error::Error;
pub use live::Live;
pub use resource::{Caller, Resource};

/// Locks what is only ever held for short, synchronous stretches. A panic while it was held leaves it as it was: every
/// change under these locks is a single step.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
