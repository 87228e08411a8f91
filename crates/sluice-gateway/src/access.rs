//! The access log: one JSON line for each request that is over.
//!
//! Nothing of it is on a request's way. A worker writes lines into a buffer of its own and hands that on when it is full or
//! at the next sweep; a thread of its own writes to the file. When that cannot keep up, lines are lost and counted, and no
//! request waits. Without an access log, a request costs a look at an absent pointer.

mod file;
mod line;
mod record;
mod redact;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use http::HeaderName;
use sluice_core::Weight;

use crate::PreviewKey;
use crate::options::AccessLogOptions;
use file::Opened;
use redact::Redaction;

pub(crate) use record::{End, Placed, Record, Trail};

/// After which a buffer is handed on: some forty lines.
const BUFFER_BYTES: usize = 16 * 1024;
/// How many buffers of each worker may wait to be written: 1 MiB.
const WAITING_MAX: usize = 64;

/// What became of the lines of an access log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessLogCounts {
    /// Lines that were written.
    pub written: u64,
    /// Lines that were lost: there was no room for them, or they could not be written.
    pub dropped: u64,
}

/// What everybody who writes the log shares.
#[derive(Debug)]
pub(crate) struct AccessLog {
    sample: Weight,
    slow: Duration,
    redaction: Redaction,
    headers: Vec<HeaderName>,
    shows_units: bool,
    /// Units are shown as this makes them.
    key: PreviewKey,
    written: AtomicU64,
    dropped: AtomicU64,
}

/// Lines that are handed on together.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    count: u64,
}

/// Where pens are handed out, and the file that they write to.
#[derive(Debug)]
pub(crate) struct Desk {
    log: Arc<AccessLog>,
    opened: Opened,
    send: SyncSender<Lines>,
    lines: Receiver<Lines>,
}

/// Where a worker writes.
#[derive(Debug)]
pub(crate) struct Pen {
    log: Arc<AccessLog>,
    lines: RefCell<Lines>,
    send: SyncSender<Lines>,
}

/// Why a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// It was drawn.
    Sample,
    /// It failed, and was not drawn.
    Failure,
    /// It was slow, and was not drawn.
    Slow,
}

impl AccessLog {
    fn new(options: &AccessLogOptions, key: PreviewKey) -> AccessLog {
        AccessLog {
            sample: options.sample,
            slow: options.slow,
            redaction: Redaction::of(&options.redact),
            headers: options.headers.clone(),
            shows_units: options.shows_units,
            key,
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// What became of its lines so far.
    pub(crate) fn counts(&self) -> AccessLogCounts {
        AccessLogCounts { written: self.written.load(Relaxed), dropped: self.dropped.load(Relaxed) }
    }

    fn kept(&self, lot: u32, is_failure: bool, is_slow: bool) -> Option<Kept> {
        match (lot < self.sample.parts(), is_failure, is_slow) {
            (true, _, _) => Some(Kept::Sample),
            (false, true, _) => Some(Kept::Failure),
            (false, false, true) => Some(Kept::Slow),
            (false, false, false) => None,
        }
    }
}

impl Desk {
    /// Opens the file.
    pub(crate) fn open(options: &AccessLogOptions, key: PreviewKey, workers: usize) -> io::Result<Desk> {
        let (send, lines) = sync_channel(workers * WAITING_MAX);
        let opened = Opened::open(&options.target)?;
        Ok(Desk { log: Arc::new(AccessLog::new(options, key)), opened, send, lines })
    }

    pub(crate) fn pen(&self) -> Pen {
        Pen { log: Arc::clone(&self.log), lines: RefCell::default(), send: self.send.clone() }
    }

    pub(crate) fn log(&self) -> Arc<AccessLog> {
        Arc::clone(&self.log)
    }

    /// Writes until all pens are dropped. Blocks the thread.
    pub(crate) fn write(self) {
        let Desk { log, opened, send, lines } = self;
        drop(send);
        opened.write_all(&log, &lines);
    }
}

impl Pen {
    /// Hands on what was written. Never waits.
    pub(crate) fn flush(&self) {
        let lines = self.lines.take();
        if lines.count == 0 {
            return;
        }
        if let Err(TrySendError::Full(lines) | TrySendError::Disconnected(lines)) = self.send.try_send(lines)
        {
            self.log.dropped.fetch_add(lines.count, Relaxed);
        }
    }

    fn write(&self, line: impl FnOnce(&mut Vec<u8>)) {
        let is_full = {
            let mut lines = self.lines.borrow_mut();
            line(&mut lines.bytes);
            lines.count += 1;
            lines.bytes.len() >= BUFFER_BYTES
        };
        if is_full {
            self.flush();
        }
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        self.flush();
    }
}
