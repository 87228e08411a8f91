//! What the parts of one visitor's connection tell each other: its socket, the requests on it, and the sweep that ends
//! connections that are too slow.
//!
//! All of them run on one thread. The cells are atomic only because a socket that is switched to another protocol has
//! to be [`Send`].

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::answer::Trouble;

/// What the socket, the requests on it and the sweep of its worker tell each other.
#[derive(Debug)]
pub(crate) struct Link {
    /// The worker's clock: it only counts sweeps, so that reading it costs nothing.
    ticks: Arc<AtomicU64>,
    stage: AtomicU8,
    stage_since: AtomicU64,
    /// The tick since when a write waits for the visitor; zero when none does.
    stalled_since: AtomicU64,
    upgrade: AtomicU8,
    /// End with a reset rather than in order: the response's end was its only mark of being whole.
    pub(crate) must_reset: AtomicBool,
    refusal: OnceLock<Trouble>,
    /// Whether the next sweep should wake the connection's task.
    awaits_sweep: AtomicBool,
    /// Of HTTP/2: requests under way on this connection.
    streams: AtomicU32,
    /// Of HTTP/2: how many of them wait for the visitor to take more, and the tick since when none has.
    waiting: AtomicU32,
    waiting_since: AtomicU64,
    /// The connection of which this is one request; none for a connection itself.
    connection: Option<Arc<Link>>,
    /// Whether this request is among those that wait.
    is_waiting: AtomicBool,
    /// Wakes the connection's task when it should look at the above.
    pub(crate) changed: Notify,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Between two requests.
    Idle,
    /// A head has begun, or the very first is awaited.
    Head,
    /// A request is being answered.
    Busy,
    /// The refusal is being written.
    Closing,
}

/// What became of a request to switch protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Upgrade {
    Undecided,
    Refused,
    Switched,
}

impl Link {
    pub(crate) fn new(ticks: Arc<AtomicU64>) -> Link {
        let now = ticks.load(Relaxed);
        Link {
            ticks,
            stage: AtomicU8::new(Stage::Head as u8),
            stage_since: AtomicU64::new(now),
            stalled_since: AtomicU64::new(0),
            upgrade: AtomicU8::new(Upgrade::Refused as u8),
            must_reset: AtomicBool::new(false),
            refusal: OnceLock::new(),
            awaits_sweep: AtomicBool::new(false),
            streams: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            waiting_since: AtomicU64::new(0),
            connection: None,
            is_waiting: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }

    /// For one request among several on a connection, which is busy until the last of these is dropped.
    pub(super) fn of_stream(connection: &Arc<Link>) -> Link {
        if connection.streams.fetch_add(1, Relaxed) == 0 {
            connection.enter(Stage::Busy);
        }
        let mut link = Link::new(Arc::clone(&connection.ticks));
        link.connection = Some(Arc::clone(connection));
        link
    }

    /// A piece of the response was handed over and the next is not asked for yet, or is. Only told apart for a request
    /// among several: the socket's own writes tell of the others.
    pub(crate) fn note_piece(&self, is_waiting: bool) {
        let Some(connection) = &self.connection else { return };
        if self.is_waiting.swap(is_waiting, Relaxed) == is_waiting {
            return;
        }
        let now = connection.ticks.load(Relaxed);
        let before = match is_waiting {
            true => connection.waiting.fetch_add(1, Relaxed),
            false => connection.waiting.fetch_sub(1, Relaxed),
        };
        if !is_waiting || before == 0 {
            connection.waiting_since.store(now, Relaxed);
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Relaxed) {
            0 => Stage::Idle,
            1 => Stage::Head,
            2 => Stage::Busy,
            _ => Stage::Closing,
        }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Relaxed);
        self.stage_since.store(self.ticks.load(Relaxed), Relaxed);
    }

    /// A request was answered to its end.
    pub(crate) fn request_over(&self) {
        if self.stage() == Stage::Busy {
            self.enter(Stage::Idle);
        }
    }

    /// Sweeps since the connection came to where it stands.
    pub(crate) fn ticks_in_stage(&self) -> u64 {
        self.ticks.load(Relaxed).saturating_sub(self.stage_since.load(Relaxed))
    }

    /// Sweeps since a write waits for the visitor.
    pub(crate) fn ticks_stalled(&self) -> u64 {
        let now = self.ticks.load(Relaxed);
        let since = |since: &AtomicU64| now.saturating_sub(since.load(Relaxed));
        let of_socket = if self.stalled_since.load(Relaxed) == 0 { 0 } else { since(&self.stalled_since) };
        let of_streams = if self.waiting.load(Relaxed) == 0 { 0 } else { since(&self.waiting_since) };
        of_socket.max(of_streams)
    }

    /// A request to switch protocols came.
    pub(super) fn ask_upgrade(&self) {
        self.upgrade.store(Upgrade::Undecided as u8, Relaxed);
    }

    pub(super) fn upgrade(&self) -> Upgrade {
        match self.upgrade.load(Relaxed) {
            0 => Upgrade::Undecided,
            1 => Upgrade::Refused,
            _ => Upgrade::Switched,
        }
    }

    /// A write did, or did not, have to wait for the visitor.
    pub(crate) fn note_write(&self, is_stalled: bool) {
        let is_known = self.stalled_since.load(Relaxed) != 0;
        if is_stalled != is_known {
            // The clock starts at one, so that zero can mean that nothing waits.
            let since = if is_stalled { self.ticks.load(Relaxed) } else { 0 };
            self.stalled_since.store(since, Relaxed);
        }
    }

    /// Whether a request to switch protocols, if this was one, was granted; what comes next is not HTTP then.
    pub(crate) fn settle_upgrade(&self, is_switched: bool) {
        let upgrade = if is_switched { Upgrade::Switched } else { Upgrade::Refused };
        if self.upgrade.swap(upgrade as u8, Relaxed) == Upgrade::Undecided as u8 {
            // What came early is held back, and nothing else may come that would wake the reader.
            self.changed.notify_one();
        }
    }

    /// Ends the connection with an answer, after what was asked before is answered. The first refusal counts.
    pub(crate) fn refuse(&self, trouble: Trouble) {
        if self.refusal.set(trouble).is_ok() {
            self.changed.notify_one();
        }
    }

    /// Asks to be woken by the next sweep: a timer for each request would cost more than all of them.
    pub(crate) fn await_sweep(&self) {
        self.awaits_sweep.store(true, Relaxed);
    }

    /// Whether that sweep is still to come.
    pub(crate) fn is_awaiting_sweep(&self) -> bool {
        self.awaits_sweep.load(Relaxed)
    }

    pub(super) fn note_sweep(&self) {
        if self.awaits_sweep.load(Relaxed) {
            self.awaits_sweep.store(false, Relaxed);
            self.changed.notify_one();
        }
    }

    pub(crate) fn refusal(&self) -> Option<Trouble> {
        self.refusal.get().copied()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.note_piece(false);
        if let Some(connection) = &self.connection
            && connection.streams.fetch_sub(1, Relaxed) == 1
        {
            connection.enter(Stage::Idle);
        }
    }
}
