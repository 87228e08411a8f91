//! Metrics and alerts that other programs hand in, by real programs over real sockets.

mod alerts;
mod answers;
mod sdk;
mod sender;
mod world;
