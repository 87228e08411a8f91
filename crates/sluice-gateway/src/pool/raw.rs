//! Connections of the short way: sockets, and nothing around them.

use std::io;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::{FRESH_TIME_MAX, IDLE_MAX, IDLE_TIME_MAX, Seat};
use crate::answer::Trouble;
use crate::dial::dial_plain;

/// A connection to an endpoint.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
    /// Whether it carried a request before.
    pub(crate) is_reused: bool,
}

pub(super) struct Idle {
    stream: TcpStream,
    since: Instant,
}

impl Idle {
    /// Whether it is young, and the endpoint did nothing with it. Anything that comes is its end, or an answer that
    /// nobody asked for. Costs no call of the system while nothing came.
    pub(super) fn is_worth_keeping(&self, now: Instant) -> bool {
        let is_quiet = || {
            let read = self.stream.try_read(&mut [0; 1]);
            read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        now.duration_since(self.since) < IDLE_TIME_MAX && is_quiet()
    }
}

impl Seat {
    /// As [`Seat::take_idle`].
    pub(crate) fn take_raw(&self, only_fresh: bool, now: Instant) -> Option<Raw> {
        let mut idle = self.pool.raw.borrow_mut();
        while let Some(last) = idle.pop() {
            if only_fresh && now.duration_since(last.since) > FRESH_TIME_MAX {
                // The others are older still.
                idle.push(last);
                return None;
            }
            if last.is_worth_keeping(now) {
                return Some(Raw { stream: last.stream, is_reused: true });
            }
        }
        None
    }

    /// As [`Seat::connect`].
    ///
    /// # Errors
    ///
    /// When the endpoint takes none, or not in time.
    pub(crate) async fn connect_raw(&self, timeout: Duration) -> Result<Raw, Trouble> {
        let stream = self.opened(timeout, dial_plain(&self.pool.endpoint)).await?;
        Ok(Raw { stream, is_reused: false })
    }

    /// Keeps a connection whose request is over for the next.
    pub(crate) fn put_back_raw(&self, raw: Raw) {
        let mut idle = self.pool.raw.borrow_mut();
        if !self.pool.is_retired.get() && idle.len() < IDLE_MAX {
            idle.push(Idle { stream: raw.stream, since: Instant::now() });
        }
    }
}
