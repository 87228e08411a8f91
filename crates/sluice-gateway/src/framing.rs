//! A strict look at the bytes of a visitor's connection, before the HTTP parser reads them.
//!
//! Request smuggling lives on messages that two servers read in two ways. A parser that is made to get along with
//! everybody repairs such messages in silence; here they are refused (RFC 9112 sections 2.2, 3, 6 and 11.2, read
//! strictly). What passes has exactly one reading: one Host, one length, every line closed by CR LF.
//!
//! Pure: bytes go in, verdicts come out. `worker::wire` reads the socket.

mod announced;
mod chunked;
mod head;
mod reading;

pub use announced::{Announced, read_announced};
pub(crate) use chunked::Chunked;
pub(crate) use head::{Flaw, Length, end_of_head, read_head, split_host};
pub use reading::{BodyReading, RequestReading, read_request};
