//! The short way: plain requests of HTTP/1.1 without a general HTTP library in between.
//!
//! Plain is a request that is there as a whole, body included, says in one way how long it is, and asks for nothing
//! that concerns the connection. At the first that is not, the socket is handed to the long way with every byte that
//! was read, and stays there. That is also how anything wrong is answered: it is judged here by the same strict look at
//! the head, and refused there.
//!
//! What a request meets is the same on both ways, because the same functions decide about it: who it goes to, which
//! headers are taken off and put on, how it is counted. What is different is how bytes are read and written.

mod attempt;
mod chunks;
mod near;
mod patience;
mod reading;
mod response;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use crate::answer::Trouble;
use crate::pool::{self, Raw, Seat};
use crate::worker::{Caller, Socket, Worker};
use attempt::{Attempt, Ended};
use near::{Near, Next};
use reading::Ask;

/// Read at once.
const SCRATCH_BYTES: usize = 64 * 1024;

thread_local! {
    /// What is read goes through here, one piece at a time, so that a connection that waits holds no buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice());
}

/// How the short way ended.
pub(crate) enum Left {
    /// The connection is over.
    Over,
    /// The rest is for the long way, beginning with what was read already.
    Handed(Socket, Vec<u8>),
}

/// Answers plain requests, until one comes that is not, or `must_finish` is set.
///
/// # Cancel safety
///
/// Dropped, a request in flight is counted as cancelled, and both connections are closed.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    caller: &Caller,
    socket: Socket,
    first: Vec<u8>,
    must_finish: &Cell<bool>,
) -> Left {
    let mut near = Near::new(socket, first, caller);
    loop {
        let next = contain(poll_fn(|cx| near.poll_next(cx, worker, must_finish))).await;
        let ask = match next {
            Some(Next::Ask(ask)) => ask,
            Some(Next::Hand) => return near.hand_over(),
            Some(Next::Over) | None => return Left::Over,
        };
        let answered = contain(answer(worker, &mut near, *ask, must_finish)).await;
        match answered {
            Some(true) => {}
            Some(false) => {
                near.close().await;
                return Left::Over;
            }
            None => {
                near.excuse().await;
                return Left::Over;
            }
        }
    }
}

/// `None` when it panicked: that must not take the worker with it. What it leaves half done is the request's own.
async fn contain<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or_else(
            |_| {
                tracing::error!("A request's handling panicked; the visitor got an error");
                Poll::Ready(None)
            },
            |polled| polled.map(Some),
        )
    })
    .await
}

/// Answers one request; gives whether another may follow on the connection.
async fn answer(worker: &Rc<Worker>, near: &mut Near<'_>, mut ask: Ask, must_finish: &Cell<bool>) -> bool {
    let ended = attempts(worker, near, &mut ask, must_finish).await;
    let is_last = worker.is_draining() || must_finish.get();
    match ended {
        Ended::Whole { is_last } => !is_last,
        // Dropped without an outcome, it is counted as cancelled.
        Ended::Gone => false,
        Ended::Broken => {
            if let Some(exchange) = &mut ask.exchange {
                exchange.reset();
            }
            false
        }
        Ended::NotSent | Ended::Silent => {
            near.answer_own(Trouble::EndpointReset, ask, is_last).await && !is_last
        }
        Ended::Trouble(trouble) => near.answer_own(trouble, ask, is_last).await && !is_last,
    }
}

/// Sends the request, and once more where that is safe; see [`super::forward`], whose rules these are.
async fn attempts(
    worker: &Rc<Worker>,
    near: &mut Near<'_>,
    ask: &mut Ask,
    must_finish: &Cell<bool>,
) -> Ended {
    let Some(mut seat) = pick(worker, ask, None) else {
        return Ended::Trouble(Trouble::NoReadyEndpoint);
    };
    let mut raw = match seat.take_raw(!ask.is_idempotent, ask.started) {
        Some(raw) => raw,
        None => match connect(worker, near, ask, &mut seat).await {
            Ok(raw) => raw,
            Err(ended) => return ended,
        },
    };
    loop {
        let was_reused = raw.is_reused;
        let mut attempt = Attempt::new(worker, near, ask, &seat, raw, must_finish);
        match poll_fn(|cx| attempt.poll(cx)).await {
            Ended::NotSent if was_reused => {}
            Ended::Silent if was_reused && ask.is_repeatable => {}
            ended => return ended,
        }
        // On a new connection: another reused one may be as dead. It is not reused, so this happens once.
        raw = match connect(worker, near, ask, &mut seat).await {
            Ok(raw) => raw,
            Err(ended) => return ended,
        };
    }
}

fn pick(worker: &Worker, ask: &Ask, except: Option<u64>) -> Option<Seat> {
    // Services with limits, or that leave endpoints out, go the long way.
    let chosen = pool::Ask { except, balance: ask.routing.balance, limit: None, now_ms: 0 };
    worker.pools.pick(&ask.version, &chosen).ok()
}

/// Opens a connection; when the endpoint takes none, to another ready one.
async fn connect(worker: &Rc<Worker>, near: &mut Near<'_>, ask: &Ask, seat: &mut Seat) -> Result<Raw, Ended> {
    let timeout = ask.routing.timeouts.connect.as_duration();
    let trouble = match near.unless_gone(seat.connect_raw(timeout)).await {
        None => return Err(Ended::Gone),
        Some(Ok(raw)) => return Ok(raw),
        Some(Err(trouble)) => trouble,
    };
    let other = pick(worker, ask, Some(seat.endpoint().id));
    *seat = other.ok_or(Ended::Trouble(trouble))?;
    if let Some(raw) = seat.take_raw(true, Instant::now()) {
        return Ok(raw);
    }
    match near.unless_gone(seat.connect_raw(timeout)).await {
        None => Err(Ended::Gone),
        Some(opened) => opened.map_err(Ended::Trouble),
    }
}
