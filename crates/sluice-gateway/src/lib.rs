//! The data plane: it takes visitors' requests, decides by the snapshot who meets which version, forwards, and counts.
//!
//! # One request
//!
//! 1. A worker accepts the visitor's connection. There is one worker to a core, each with its own listener, runtime,
//!    pools and counters, so that workers share nothing that they write to.
//!    Before the first request come, where they are asked for, the PROXY header of a balancer in front and the handshake
//!    of TLS; then either HTTP/1.1 or HTTP/2 is spoken (by ALPN, or by HTTP/2's preface).
//! 2. `framing` looks at the bytes before the HTTP parser does. A head that two servers could read in two ways is
//!    answered 400 and the connection is closed; a head that is too long or too slow, 431 or 408.
//!    Requests of HTTP/2 are made what HTTP/1.1 would have brought, or refused, so that all behind is the same.
//! 3. `proxy` finds the service by host and path, verifies a preview header and what earlier hops have decided, finds
//!    or mints the unit, and asks [`sluice_core::routing::decide`].
//! 4. The endpoint is the ready one with the fewest requests in flight; the connection comes from its pool. Headers
//!    that concern one connection only are taken off, those that say where the request came from are put on.
//! 5. Bodies stream both ways, piece by piece. What became of the request is counted once, when it is known.
//!
//! # What endpoints are told about visitors
//!
//! `X-Forwarded-For`, `Forwarded` (RFC 7239) and `Via` are lists: what a visitor sends stays, and this hop is added at
//! the end, so only the last entry is the gateway's word. `X-Forwarded-Proto` and `X-Forwarded-Host` describe the first
//! hop: what is there stays, as a load balancer in front that ends TLS needs. Endpoints that face the open internet
//! through this gateway alone should not trust them. The `Host` header passes as it came.
//!
//! # What is carried to the hops behind
//!
//! Where several services share a release, every request that is forwarded to them carries what was decided, in the
//! signed header [`RELEASE_HEADER`]. An application that asks other services on behalf of a visitor passes it on, and
//! the gateway in front of those honours it, so a visitor never meets the candidate of the one and the stable version
//! of the other. A header that cannot be verified is taken off and chooses nothing.
//!
//! # What is copied
//!
//! Where a split has a shadow, a drawn share of the requests that stable answers is sent to the candidate as well,
//! marked with [`SHADOW_HEADER`]. Visitors never wait for a copy, and no fault of a copy reaches them; its answer is
//! read, counted under the candidate, and thrown away. Copies are bounded, in number, length of body and time, and
//! those that are left out are counted in [`Copies`]. Requests that switch protocols, that wait to be asked for
//! their body (`Expect`), or whose body ends with trailers are not copied.
//!
//! # What is deliberately absent
//!
//! - No request ever waits for the control plane: a request reads the table that is there. Publishing swaps
//!   it whole; what is in flight ends under the table that it began with.
//! - No response body is ever kept. Request bodies are kept only in part, and only so that a request that is safe to
//!   repeat survives the death of a reused connection.
//! - No request goes to an endpoint whose first health check has not succeeded.
//! - Nothing that a visitor sends can make the gateway speak for the control plane: `x-sluice-*` headers are taken
//!   off on the way in and on the way out. Only a signed [`RELEASE_HEADER`] passes, on the way in.

mod access;
mod answer;
mod attributes;
mod carried;
mod certificates;
mod counters;
mod dial;
mod exemplars;
mod explain;
mod failed;
mod figures;
mod framing;
mod gateway;
mod grpc;
mod health;
mod listen;
mod options;
mod pool;
mod preview;
mod proxy;
mod readiness;
mod table;
mod trace;
mod trust;
mod worker;

pub use access::AccessLogCounts;
pub use attributes::{Attributes, Countries, CountriesError, KeysError, Lists, TokenOptions, Tokens};
pub use carried::{CARRIED_BYTES_MAX, CARRIED_MAX, CARRIED_TIME, RELEASE_HEADER};
pub use certificates::{CertificateError, Certificates};
pub use counters::Copies;
pub use exemplars::Exemplar;
pub use figures::{Figures, VersionFigures};
pub use framing::{Announced, BodyReading, RequestReading, read_announced, read_request};
pub use gateway::{DrainReport, Gateway};
pub use listen::StartError;
pub use options::{AccessLogOptions, AccessLogTarget, Limits, Options, TlsOptions, TraceOptions};
pub use preview::{PREVIEW_HEADER, PreviewError, PreviewKey};
pub use proxy::SHADOW_HEADER;
pub use readiness::{Readiness, Ready};
