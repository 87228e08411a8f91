//! Shadow traffic: copies of requests that stable answers, sent to the candidate. Their answers are counted and thrown
//! away.
//!
//! A copy is a task of its own, with its own connection and its own account. It begins after the visitor's request was
//! started, and nothing of that request waits for it: not the answer, not the connection, not a drain. What cannot be
//! copied cheaply is not copied, and counted as left out.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{EXPECT, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method};
use http_body::Body;
use sluice_core::routing::ServiceRouting;

use super::exchange::{Account, Exchange, Who};
use super::forward::{Failure, Forward};
use super::outgoing::Outgoing;
use crate::answer::Trouble;
use crate::counters::Counters;
use crate::table::Version;
use crate::worker::Worker;

/// The request header that marks a copy, with the value `1`: the application may leave out what should happen once,
/// such as sending a mail.
pub const SHADOW_HEADER: &str = "x-sluice-shadow";

/// The longest body that is copied. Holds nearly every form and API call.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Copies in flight on one worker. With the longest bodies they take 8 MiB; at 10 ms an answer they are 12 800
/// copies a second, so that only a candidate that hangs meets the bound.
const IN_FLIGHT_MAX: usize = 128;

/// What one worker knows of copies.
#[derive(Debug)]
pub(crate) struct Shadows {
    in_flight: Cell<usize>,
    /// Of the lots that are drawn.
    state: Cell<u64>,
}

/// A place among the copies in flight; given back when dropped.
struct Place(Rc<Worker>);

/// A copy of a request that is on its way.
pub(super) struct RequestCopy {
    version: Arc<Version>,
    path: Option<usize>,
    unit: Option<String>,
    routing: Arc<ServiceRouting>,
    outgoing: Outgoing,
    /// When the visitor's request began. Latencies of copies count from there too, so that those of requests with a
    /// body compare.
    started: Instant,
    place: Place,
}

/// A body that is kept while it streams to stable, for the copy.
pub(super) struct BodyCopy {
    copy: Box<RequestCopy>,
    bytes: Vec<u8>,
}

/// Where a copy of a request goes.
pub(super) struct CopyTo {
    pub(super) version: Arc<Version>,
    /// Which of the paths that are counted on their own the request belongs to.
    pub(super) path: Option<usize>,
    /// The unit of the visitor whose request it copies.
    pub(super) unit: Option<String>,
    /// What the copy carries to the hops behind.
    pub(super) release: Option<HeaderValue>,
}

impl Shadows {
    pub(crate) fn new() -> Shadows {
        let mut seed = [0_u8; 8];
        getrandom::fill(&mut seed).expect("the system has randomness once it has started");
        Shadows { in_flight: Cell::new(0), state: Cell::new(u64::from_ne_bytes(seed)) }
    }

    /// Draws one of 0 to 99 999, each as likely as the other. Not for secrets.
    pub(crate) fn draw(&self) -> u32 {
        u32::try_from(((self.random() >> 32) * 100_000) >> 32).expect("less than 100 000")
    }

    /// 64 evenly spread bits (SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014). Not for
    /// secrets.
    pub(super) fn random(&self) -> u64 {
        let state = self.state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.state.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Place {
    fn take(worker: &Rc<Worker>) -> Option<Place> {
        let taken = worker.shadows.in_flight.get();
        if taken >= IN_FLIGHT_MAX {
            return None;
        }
        worker.shadows.in_flight.set(taken + 1);
        Some(Place(Rc::clone(worker)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.shadows.in_flight.set(self.0.shadows.in_flight.get() - 1);
    }
}

/// Whether a request is of a kind that can be copied. What becomes a tunnel, or waits to be asked for its body, is a
/// conversation that one answer belongs to.
pub(super) fn is_copyable(parts: &Parts) -> bool {
    parts.method != Method::CONNECT
        && !parts.headers.contains_key(UPGRADE)
        && !parts.headers.contains_key(EXPECT)
}

/// Makes the copy of a request. One without a body is given back, to be started when the request is; one with a body
/// starts by itself when the body has passed.
pub(super) fn prepare(
    worker: &Rc<Worker>,
    to: CopyTo,
    routing: &Arc<ServiceRouting>,
    outgoing: &Outgoing,
    started: Instant,
) -> Option<Box<RequestCopy>> {
    let counters = to.version.counters.of_worker(worker.index);
    if outgoing.upload.as_ref().is_some_and(|upload| upload.is_longer_than(BODY_BYTES_MAX)) {
        counters.copy_too_large();
        return None;
    }
    let Some(place) = Place::take(worker) else {
        counters.copy_too_many();
        return None;
    };
    let (routing, copied) = (Arc::clone(routing), outgoing.copy(to.release));
    let CopyTo { version, path, unit, .. } = to;
    let copy = Box::new(RequestCopy { version, path, unit, routing, outgoing: copied, started, place });
    let Some(upload) = &outgoing.upload else { return Some(copy) };
    upload.copy_to(BodyCopy { copy, bytes: Vec::new() });
    None
}

impl BodyCopy {
    /// Takes in the next piece. A body that turns out too long ends the copy.
    pub(super) fn take_in(mut self, piece: &Bytes) -> Option<BodyCopy> {
        if self.bytes.len() + piece.len() > BODY_BYTES_MAX {
            self.copy.counters().copy_too_large();
            return None;
        }
        self.bytes.extend_from_slice(piece);
        Some(self)
    }

    /// The body has passed.
    pub(super) fn finish(mut self) {
        self.copy.outgoing.fill(Bytes::from(self.bytes));
        self.copy.start();
    }
}

impl RequestCopy {
    fn counters(&self) -> &Arc<Counters> {
        self.version.counters.of_worker(self.place.0.index)
    }

    /// Sends the copy, unless nobody can take it any more.
    pub(super) fn start(self: Box<Self>) {
        if self.version.is_ready() && !self.place.0.is_draining() {
            self.counters().copy_sent();
            tokio::task::spawn_local(self.run());
        }
    }

    async fn run(mut self: Box<Self>) {
        let who = Who { unit: self.unit.take(), is_drawn: false };
        let (worker, timeouts) = (&self.place.0, &self.routing.timeouts);
        let counters = (self.counters(), self.version.path_counters(self.path, worker.index));
        let exchange =
            Exchange::begin(worker, None, counters, Account { who, trace: None, record: None }, self.started);
        let (version, routing) = (&self.version, &*self.routing);
        // What its route does with a request was done before it was copied, and a copy is not worth a second try.
        let forward =
            Forward { worker, version, routing, timeouts: timeouts.clone(), handling: None, retries: None };
        let deadline = tokio::time::Instant::now() + timeouts.response.as_duration();
        let answered = tokio::time::timeout_at(deadline, forward.attempts(&self.outgoing)).await;
        let answered = answered.unwrap_or(Err(Failure::Final(Trouble::ResponseTimeout)));
        let mut body = match forward.conclude(&self.outgoing, None, answered, exchange) {
            Ok(response) => response.into_body(),
            Err((trouble, exchange)) => return exchange.fail(trouble),
        };
        let read = async {
            // How it ends is counted by the body itself.
            while let Some(Ok(_)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {}
        };
        // A response that goes on for longer, such as a stream of events, is no fault of the candidate's: it counts as
        // cancelled, as it does when a visitor leaves it.
        let _is_read = tokio::time::timeout_at(deadline, read).await.is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_spread_evenly() {
        let shadows = Shadows { in_flight: Cell::new(0), state: Cell::new(0) };
        let (draws, mut tenths) = (200_000_u32, [0_u32; 10]);
        for _ in 0..draws {
            let draw = shadows.draw();
            assert!(draw < 100_000, "{draw}");
            tenths[draw as usize / 10_000] += 1;
        }
        // Five standard errors of 200 000 draws with a chance of a tenth.
        assert!(tenths.iter().all(|count| count.abs_diff(draws / 10) < 671), "{tenths:?}");
    }

    #[test]
    fn two_workers_draw_different_lots() {
        let (one, two) = (Shadows::new(), Shadows::new());
        let draws = |shadows: &Shadows| std::array::from_fn::<u32, 8, _>(|_| shadows.draw());
        assert_ne!(draws(&one), draws(&two));
    }
}
