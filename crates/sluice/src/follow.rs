//! Staying with a release until it has ended.
//!
//! One thread listens to the server and connects again when it goes away; the caller reads what it says, together with
//! Ctrl-C, from one channel.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use sluice_core::document::Kind;
use sluice_core::release::status::PhaseName;
use sluice_core::{Name, Span};
use sluice_engine::Resource;

use crate::client::{Client, Error, Message};
use crate::interrupt::on_interrupt;
use crate::outcome::{Exit, Failure};
use crate::show::release::{Release, Unread, timeline_line};
use crate::terminal::Screen;

/// How long a server may be away before we give up: long enough for a restart on a slow machine.
const AWAY_MAX: Duration = Duration::from_secs(60);
/// How long to leave a server that is away in peace.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How many entries of the timeline the live view shows.
const ENTRIES_SHOWN: usize = 6;

/// Something worth waking for.
pub(crate) enum Said {
    /// How the release is now.
    Release(Box<Resource>),
    /// The server went away.
    Away,
    /// The server will not come back, or does not know the release.
    Gone(Error),
    /// Ctrl-C.
    Interrupted,
}

/// How a release is shown while we wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Nothing but what stops it.
    Quiet,
    /// On a terminal a live picture, else each entry of the timeline.
    Live,
}

/// Waits until the release has ended and answers how it was then.
///
/// # Errors
/// When the server is away for too long, `timeout` has passed, or Ctrl-C was pressed. The release goes on in each case.
pub(crate) fn until_ended(
    client: &Client,
    first: Resource,
    view: View,
    timeout: Option<Span>,
    screen: &mut Screen,
) -> Result<Release, Failure> {
    let name = first.metadata.name.clone();
    let (sender, said) = channel();
    listen(client.clone(), name.clone(), first.metadata.environment.clone(), sender.clone())?;
    // Nobody listens any more once the release has ended.
    on_interrupt(move || drop(sender.send(Said::Interrupted)))?;
    let deadline = timeout.map(|timeout| Instant::now() + timeout.as_duration());
    let mut picture =
        Picture { view, unread: Unread::default(), last_phase: None, latest: Release::try_from(first)? };
    picture.show(screen)?;
    while !picture.latest.status.phase.is_final() {
        match next(&said, deadline) {
            Some(Said::Release(release)) => {
                picture.latest = Release::try_from(*release)?;
                picture.show(screen)?;
            }
            Some(Said::Away) => screen.line(&screen.paint().yellow("the server is away; waiting for it"))?,
            Some(Said::Gone(error)) => return Err(Failure::from(error)),
            Some(Said::Interrupted) => {
                return Err(Failure::new(Exit::Interrupted, format!("stopped watching; {name} goes on"))
                    .hint(format!("`sluice release status {name} --watch` watches it again")));
            }
            None => {
                let phase = picture.latest.status.phase;
                return Err(Failure::new(Exit::Failed, format!("{name} is still {phase:?}; it goes on"))
                    .hint("wait longer with --timeout"));
            }
        }
    }
    Ok(picture.latest)
}

/// The next thing that is said; `None` when the deadline has come.
fn next(said: &Receiver<Said>, deadline: Option<Instant>) -> Option<Said> {
    let Some(deadline) = deadline else { return said.recv().ok() };
    said.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

/// Starts the thread that listens. It ends with the program, or when nobody reads any more.
pub(crate) fn listen(
    client: Client,
    name: Name,
    environment: Option<Name>,
    sender: Sender<Said>,
) -> Result<(), Failure> {
    std::thread::Builder::new()
        .name("listen".to_owned())
        .spawn(move || {
            let mut away_since: Option<Instant> = None;
            loop {
                let error = match hear(&client, &name, environment.as_ref(), &sender) {
                    Ok(()) => None,
                    Err(error @ Error::Unreachable { .. }) => Some(error),
                    Err(error) => {
                        // Whoever waited may have gone away meanwhile.
                        drop(sender.send(Said::Gone(error)));
                        return;
                    }
                };
                match (error, away_since) {
                    (None, _) => away_since = None,
                    (Some(_), None) => {
                        away_since = Some(Instant::now());
                        if sender.send(Said::Away).is_err() {
                            return;
                        }
                    }
                    (Some(error), Some(since)) if since.elapsed() > AWAY_MAX => {
                        drop(sender.send(Said::Gone(error)));
                        return;
                    }
                    (Some(_), Some(_)) => {}
                }
                std::thread::sleep(TRY_AGAIN_AFTER);
            }
        })
        .map(drop)
        .map_err(|error| Failure::new(Exit::Configuration, "the system gives no thread").because(&error))
}

/// Hands on how the release is until the connection ends. The stream is opened before the release is asked for, so
/// that no change falls between the two.
fn hear(
    client: &Client,
    name: &Name,
    environment: Option<&Name>,
    sender: &Sender<Said>,
) -> Result<(), Error> {
    let stream = client.stream(None)?;
    let now = client.get(Kind::Release, name, environment)?;
    let mut is_read = sender.send(Said::Release(Box::new(now))).is_ok();
    for message in stream {
        if let Message::Release(release) = message
            && release.metadata.name == *name
        {
            is_read = sender.send(Said::Release(release)).is_ok();
        }
        if !is_read {
            break;
        }
    }
    Ok(())
}

/// What is on the screen of a release.
struct Picture {
    view: View,
    unread: Unread,
    last_phase: Option<PhaseName>,
    latest: Release,
}

impl Picture {
    fn show(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        let paint = screen.paint();
        let status = &self.latest.status;
        match self.view {
            View::Live if screen.is_terminal() => screen.draw(&self.latest.lines(paint, ENTRIES_SHOWN)),
            View::Live => {
                for entry in self.unread.of(&status.timeline) {
                    screen.line(&timeline_line(entry, paint))?;
                }
                Ok(())
            }
            View::Quiet => {
                let needs_somebody = matches!(
                    status.phase,
                    PhaseName::Paused | PhaseName::Waiting | PhaseName::AwaitingApproval
                );
                if needs_somebody && self.last_phase != Some(status.phase) {
                    let name = self.latest.name();
                    screen.line(&format!("{name} is {:?}: {}", status.phase, status.reason.text))?;
                    if let Some(command) = self.latest.next_command() {
                        screen.line(&format!("go on with `{command}`"))?;
                    }
                }
                self.last_phase = Some(status.phase);
                Ok(())
            }
        }
    }
}
