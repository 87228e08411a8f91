//! What is true of every release, whatever happens to it: checked on generated sequences of events, and on a walk
//! through the states that can be reached.

#![expect(clippy::unwrap_used, reason = "a policy that cannot be read is a failed test")]

#[path = "release_properties/lives.rs"]
mod lives;
#[path = "release_properties/risk.rs"]
mod risk;
#[path = "release_properties/walk.rs"]
mod walk;
#[path = "release_properties/world.rs"]
mod world;
