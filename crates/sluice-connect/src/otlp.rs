//! OTLP: how programs send metrics, over HTTP and gRPC.
//!
//! The messages are declared here rather than taken from a crate: a dozen structs, which are read from protobuf and from
//! JSON alike, where 64-bit numbers are texts.

pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod message;
mod number;
pub(crate) mod reading;
