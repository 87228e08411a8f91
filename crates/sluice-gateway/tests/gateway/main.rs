//! The gateway over real sockets: test endpoints on one side, visitors that write bytes on the other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod abuse;
mod access;
mod attributes;
mod carried;
mod conformance;
mod counting;
mod doors;
mod endpoints;
mod explaining;
mod framing;
mod grpc;
mod handling;
mod health;
mod http2;
mod large;
mod lifecycle;
mod limits;
mod load;
mod replay;
mod routing;
mod shadow;
mod smuggling;
mod streams;
mod traces;
mod trouble;
mod tunnels;
mod ways;
mod world;
