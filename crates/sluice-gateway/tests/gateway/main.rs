//! The gateway over real sockets: test endpoints on one side, visitors that write bytes on the other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod carried;
mod counting;
mod doors;
mod framing;
mod health;
mod http2;
mod lifecycle;
mod limits;
mod replay;
mod routing;
mod shadow;
mod streams;
mod trouble;
mod tunnels;
mod ways;
mod world;
