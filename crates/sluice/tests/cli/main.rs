//! The program as people and scripts meet it: the real binary, real sockets, real files.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

mod analyze;
mod announcing;
mod completions;
mod crash;
mod demo;
mod errors;
mod explaining;
mod foresight;
mod gates;
mod help;
mod releases;
mod seeing;
mod world;
