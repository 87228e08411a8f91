//! Ctrl-C, for commands that wait. Being asked to end, or losing the terminal, is the same to them.

use tokio::signal::unix::{SignalKind, signal};

use crate::outcome::{Exit, Failure};

/// Calls `then` once, on another thread, when Ctrl-C is pressed. From here on these signals no longer end the program by
/// themselves.
///
/// # Errors
/// When the system gives no thread or no signals.
pub(crate) fn on_interrupt(then: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let trouble = |error: &std::io::Error| {
        Failure::new(Exit::Configuration, "the system does not let us listen for Ctrl-C").because(error)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(|error| trouble(&error))?;
    // Registered before this returns, so that no Ctrl-C is lost.
    let (mut interrupt, mut terminate, mut hangup) = {
        let _context = runtime.enter();
        let listen = |kind| signal(kind).map_err(|error| trouble(&error));
        (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?)
    };
    std::thread::Builder::new()
        .name("ctrl-c".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
            });
            then();
        })
        .map_err(|error| trouble(&error))?;
    Ok(())
}
