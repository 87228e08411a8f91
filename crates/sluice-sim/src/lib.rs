//! A world to test the engine in: what the engine reaches through its ports, in memory and under the test's control.
//!
//! Tests and benchmarks depend on this crate; what users run of it is [`rehearsal`].

pub mod city;
pub mod clock;
pub mod conformance;
pub mod hooks;
pub mod incident;
pub mod life;
pub mod memory;
pub mod random;
pub mod rehearsal;
pub mod simulation;

pub use city::{Behaviour, City};
pub use clock::VirtualClock;
pub use life::{Home, Life};
pub use memory::{MemoryHistory, MemoryStore};
pub use random::Random;
