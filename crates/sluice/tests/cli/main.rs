//! The program as people and scripts meet it: the real binary, real sockets, real files.

mod completions;
mod crash;
mod demo;
mod errors;
mod help;
mod releases;
mod world;
