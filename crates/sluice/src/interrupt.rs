//! Ctrl-C, for commands that wait.

use tokio::signal::unix::{SignalKind, signal};

use crate::outcome::{Exit, Failure};

/// Calls `then` once, on another thread, when Ctrl-C is pressed. From here on it no longer ends the program by itself.
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
    let mut interrupts = {
        let _context = runtime.enter();
        signal(SignalKind::interrupt()).map_err(|error| trouble(&error))?
    };
    std::thread::Builder::new()
        .name("ctrl-c".to_owned())
        .spawn(move || {
            if runtime.block_on(interrupts.recv()).is_some() {
                then();
            }
        })
        .map_err(|error| trouble(&error))?;
    Ok(())
}
