//! A world to test the engine in: what the engine reaches through its ports, in memory and under the test's control.
//!
//! Only tests and benchmarks depend on this crate.

pub mod conformance;
pub mod memory;

pub use memory::MemoryStore;
