//! The gateway over real sockets: test endpoints on one side, visitors that write bytes on the other.

mod routing;
mod world;
