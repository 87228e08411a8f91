//! The tests of `gateway` once more, with every request on the long way.

#[path = "gateway/main.rs"]
mod gateway;
