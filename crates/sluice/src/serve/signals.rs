//! What tells a server to stop: SIGTERM, SIGINT, or the end of standard input when whoever started it asked for that.

use std::io::Read;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::outcome::{Exit, Failure};

/// Signals to stop, one after another.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    stdin_closed: Option<oneshot::Receiver<()>>,
}

impl Signals {
    /// Listens from now on. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub(crate) fn listen(with_stdin: bool) -> Result<Signals, Failure> {
        let trouble = |error: std::io::Error| {
            Failure::new(Exit::Configuration, "the system does not let us listen for signals").because(&error)
        };
        Ok(Signals {
            terminate: signal(SignalKind::terminate()).map_err(trouble)?,
            interrupt: signal(SignalKind::interrupt()).map_err(trouble)?,
            stdin_closed: with_stdin.then(end_of_stdin),
        })
    }

    /// Returns when the next one comes.
    ///
    /// # Cancel safety
    /// No signal is lost when it is dropped.
    pub(crate) async fn next(&mut self) {
        let stdin_closed = async {
            match &mut self.stdin_closed {
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = stdin_closed => self.stdin_closed = None,
        }
    }
}

/// Completes when standard input ends: when the process that holds its other end is gone, however it went.
///
/// A thread of its own, because a read of standard input cannot be cancelled and would hold up the end of a runtime.
pub(crate) fn end_of_stdin() -> oneshot::Receiver<()> {
    let (closed, on_close) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut scrap = [0_u8; 256];
        while std::io::stdin().read(&mut scrap).is_ok_and(|read| read > 0) {}
        drop(closed);
    });
    on_close
}
