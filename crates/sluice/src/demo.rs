//! `sluice demo`: the whole story with real processes and sockets.
//!
//! A server on SQLite, three builds of a shop, and some hundred visitors who do not know of any of it. First a build
//! that fails some requests and is slow, which is found and taken back; then a good one, which goes to everyone. All
//! of it is done through the same API that people use.
//!
//! Nothing is left behind: children stop when their standard input closes, which it does however this process ends.

mod cast;
pub(crate) mod endpoint;
mod process;
mod stage;
mod story;
mod tally;
mod visitors;

use std::sync::mpsc::{Sender, channel};

use crate::args::{Common, DemoArgs};
use crate::follow::Said;
use crate::interrupt::on_interrupt;
use crate::outcome::{Exit, Failure};
use cast::Cast;
use stage::Stage;
use story::{BAD, GOOD};

/// Plays the story. Succeeds only when the bad release was taken back, the good one reached everyone, and no visitor
/// went back and forth.
///
/// # Errors
/// When something could not be started, or Ctrl-C was pressed.
pub(crate) fn run(args: &DemoArgs, common: &Common) -> Result<Exit, Failure> {
    let (sender, said) = channel();
    interrupt(sender.clone())?;
    let mut stage = Stage::new(common.color);
    stage.say("starting a server and three builds of a shop")?;
    let cast = Cast::start(args.free_ports)?;
    let outcome = story::play(&cast, &mut stage, &sender, &said);
    let outcome = outcome.map_err(|failure| match failure.exit() {
        Exit::Interrupted | Exit::Done => failure,
        _ => failure.details(cast.last_words()),
    })?;
    stage.end(&outcome)?;
    let is_as_told = outcome.is_as_told();
    if args.keep {
        stage.say(&format!("everything goes on: dashboard {}, shop {}", cast.dashboard(), cast.shop()))?;
        stage.say(&format!(
            "try `SLUICE_URL={} sluice release start shop {BAD} --policy demo --watch`",
            cast.dashboard()
        ))?;
        stage.say("Ctrl-C ends it and leaves nothing behind")?;
        story::wait_for_interrupt(&said);
    }
    drop(cast);
    if is_as_told {
        return Ok(Exit::Done);
    }
    Err(Failure::new(Exit::Failed, "the story did not go as it should").hint(format!(
        "{BAD} should be RolledBack, {GOOD} Succeeded, and nobody flipped; a very busy machine can spoil it"
    )))
}

fn interrupt(sender: Sender<Said>) -> Result<(), Failure> {
    // Nobody may be there to hear it at the very end.
    on_interrupt(move || drop(sender.send(Said::Interrupted)))
}
