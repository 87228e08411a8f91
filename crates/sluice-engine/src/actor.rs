//! One task for each live release: waits for what can move it, asks the core, commits, acts.
//!
//! A release never waits for another one: the only thing they share is the store, which commits for many at once, and
//! the publisher, which sends one snapshot for many.

mod record;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use sluice_core::document::DocumentKey;
use sluice_core::release::{
    self, Answer, CallState, Command, Effect, Event, HookAnswer, Release, Transition,
};
use sluice_core::{Span, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

pub(crate) use record::log_entries;

use crate::error::Error;
use crate::explain::NOTE_EVERY;
use crate::inner::{Inner, Numbers, release_resource};
use crate::observer::Observer;
use crate::port::store::{self, Change, Commit, Expect, JsonText, Write};
use crate::resource::Resource;
use crate::world::Stored;

/// Checks run this often.
pub(crate) const EVALUATE_EVERY: Span = Span::from_secs(1);
/// The shortest time between two evaluations when something calls for an early one.
const EVALUATE_GAP_MIN: Span = Span::from_millis(50);
/// What only counts is written this often: after a crash at most this much evidence is gathered again.
const CHECKPOINT_EVERY: Span = Span::from_secs(10);
/// How long to wait before a commit that failed is tried again.
const COMMIT_RETRY: Span = Span::from_millis(500);
/// The longest wait before a release's task is started again.
const TASK_RETRY_LONGEST: Span = Span::from_secs(30);
/// Who acts when nobody asked.
pub(crate) const OURSELVES: &str = "sluice";

/// What a release's task is told.
pub(crate) enum Message {
    /// Something that moves it.
    Event(Box<Event>),
    /// Something that somebody wants, and who waits for the answer.
    Command(Box<Asked>),
    /// Something happened that is worth a look before the next second.
    Look,
}

/// A command, and who waits for the answer.
pub(crate) struct Asked {
    pub(crate) command: Command,
    /// The resource version that the release must be at.
    pub(crate) version: Option<u64>,
    /// The idempotency key and the request's hash.
    pub(crate) remember: Option<(String, String)>,
    pub(crate) reply: oneshot::Sender<Result<Resource, Error>>,
}

/// Something that was begun and is waited for beside everything else.
type Awaited<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A release's task.
pub(crate) struct Actor {
    inner: Arc<Inner>,
    key: DocumentKey,
    release: Arc<Release>,
    stored: Stored,
    observer: Observer,
    mailbox: mpsc::Receiver<Message>,
    /// Resolves when the routing of a change of traffic is in force. Waited for beside everything else, so that a data
    /// plane that is slow or away holds up neither checks nor people.
    confirming: Option<Awaited<u64>>,
    /// Resolves with what came of calling a webhook.
    calling: Option<Awaited<(u64, HookAnswer)>>,
    looked_at: Timestamp,
    checkpointed_at: Timestamp,
    noted_at: Timestamp,
    is_dirty: bool,
}

/// A transition that could not be recorded, with who waits for it.
type Unrecorded = (Transition, store::Error);

impl Actor {
    pub(crate) fn new(
        inner: Arc<Inner>,
        release: Arc<Release>,
        stored: Stored,
        mailbox: mpsc::Receiver<Message>,
    ) -> Actor {
        let now = inner.now();
        let observer = Observer::new();
        let key = stored.document.key();
        Actor {
            inner,
            key,
            release,
            stored,
            observer,
            mailbox,
            confirming: None,
            calling: None,
            looked_at: now,
            checkpointed_at: now,
            noted_at: now,
            is_dirty: false,
        }
    }

    /// Runs until the release is over or the engine stops; gives back the mailbox's rest by closing it.
    pub(crate) async fn run(&mut self) {
        // A crash may have come between a commit and its effects: setting traffic again is the same as setting it.
        self.confirm_traffic();
        self.call_hook();
        while self.release.is_active() {
            let next_look = self.looked_at.after(EVALUATE_EVERY);
            let clock = Arc::clone(&self.inner.parts.clock);
            tokio::select! {
                biased;
                () = self.inner.stopped() => break,
                message = self.mailbox.recv() => match message {
                    Some(Message::Event(event)) => self.on_event(&event).await,
                    Some(Message::Command(asked)) => self.on_command(*asked).await,
                    Some(Message::Look) => self.look_early(clock.now()).await,
                    None => break,
                },
                change = outcome(&mut self.confirming) => {
                    self.confirming = None;
                    self.on_event(&Event::TrafficInForce { change }).await;
                }
                (number, answer) = outcome(&mut self.calling) => {
                    self.calling = None;
                    self.on_event(&Event::HookAnswered { number, answer }).await;
                }
                () = clock.sleep_until(next_look) => {
                    let late = clock.now().since(next_look).as_millis();
                    self.inner.numbers.lag_ms_max.fetch_max(late, Ordering::Relaxed);
                    self.look().await;
                }
            }
        }
        self.checkpoint_if_due(true).await;
        self.refuse_the_rest();
    }

    /// Waits out the shortest gap between looks, so that a storm of failures does not become a storm of evaluations.
    async fn look_early(&mut self, now: Timestamp) {
        let soonest = self.looked_at.after(EVALUATE_GAP_MIN);
        if now < soonest {
            self.inner.parts.clock.sleep_until(soonest).await;
        }
        self.look().await;
    }

    async fn look(&mut self) {
        self.looked_at = self.inner.now();
        let seen = self.observer.observe(&self.inner, &self.release);
        self.on_event(&Event::Observed(seen)).await;
        self.checkpoint_if_due(false).await;
        if self.looked_at.since(self.noted_at) >= NOTE_EVERY {
            self.note();
        }
    }

    /// Notes how the release stands, for those who ask later.
    fn note(&mut self) {
        self.noted_at = self.inner.now();
        self.inner.note(&self.release);
    }

    async fn on_event(&mut self, event: &Event) {
        let transition = self.decide(event);
        self.take(transition).await;
    }

    /// Takes a transition for good, however long the store needs.
    async fn take(&mut self, transition: Transition) {
        let mut outcome = self.record(transition, None).await;
        while let Err((transition, error)) = outcome {
            warn!(release.name = %self.release.name, %error, "A decision could not be recorded; it is tried again");
            self.take_back_at_once(&transition);
            let clock = Arc::clone(&self.inner.parts.clock);
            tokio::select! {
                () = self.inner.stopped() => return,
                () = clock.sleep_until(clock.now().after(COMMIT_RETRY)) => {}
            }
            outcome = self.record(transition, None).await;
        }
        self.act_all(outcome.unwrap_or_default()).await;
    }

    /// Asks the core. A panic in it is contained: the release fails safe, and all others go on.
    fn decide(&self, event: &Event) -> Transition {
        let now = self.inner.now();
        Numbers::add(&self.inner.numbers.decisions);
        let decided = std::panic::catch_unwind(AssertUnwindSafe(|| {
            (self.inner.parts.decide)(&self.release, event, now)
        }));
        decided.unwrap_or_else(|panic| {
            Numbers::add(&self.inner.numbers.panics);
            let message = panic_message(panic.as_ref());
            error!(release.name = %self.release.name, message, "Deciding about a release panicked; it is taken back");
            release::crashed(&self.release, &message, now)
        })
    }

    async fn on_command(&mut self, asked: Asked) {
        let Asked { command, version, remember, reply } = asked;
        // Whoever asked may have gone away by the time of an answer; what was done stays done.
        let answer = |answer| reply.send(answer).ok();
        if version.is_some_and(|wanted| wanted != self.stored.version) {
            answer(Err(Error::Conflict { key: self.key.clone(), found: Some(self.stored.version) }));
            return;
        }
        // Asked here, one request after the other, so that two that come together do not both find nothing.
        if let Some((key, request)) = &remember {
            let inner = Arc::clone(&self.inner);
            if let Some(given) = crate::releases::given_before(&inner, key, request).await.transpose() {
                answer(given);
                return;
            }
        }
        let transition = self.decide(&Event::Command(command));
        if let Answer::Refused { why } = &transition.answer {
            answer(Err(Error::VerbRefused { release: self.release.name.clone(), why: why.clone() }));
            return;
        }
        match self.record(transition, remember).await {
            Ok(effects) => {
                self.act_all(effects).await;
                answer(Ok(release_resource(&self.stored, &self.release)));
            }
            Err((transition, error)) if is_taking_back(&self.release, &transition) => {
                // People come first: they are taken back now, and that is recorded as soon as it can be.
                self.take_back_at_once(&transition);
                answer(Err(Error::NotRecorded { release: self.release.name.clone(), source: error }));
                self.take(transition).await;
            }
            Err((_, error)) => {
                answer(Err(error.into()));
            }
        }
    }

    async fn act_all(&mut self, effects: Vec<(u64, Effect)>) {
        for (id, effect) in effects {
            match effect {
                Effect::ApplyTraffic { .. } => self.confirm_traffic(),
                Effect::CallHook { .. } => self.call_hook(),
                Effect::StartNext => crate::queue::start_after(&self.inner, &self.release).await,
                Effect::MakeLive { .. } => {}
            }
            crate::lock(&self.inner.done).push(id);
        }
    }

    /// Puts the routing in force; the release is told when it is.
    fn confirm_traffic(&mut self) {
        let inner = Arc::clone(&self.inner);
        let change = self.release.traffic.desired_change;
        self.confirming = Some(Box::pin(async move {
            inner.publisher.put_in_force(&inner.world).await;
            change
        }));
    }

    /// Calls the webhook that the release wants called; it is told what came of it.
    fn call_hook(&mut self) {
        let Some(calling) = self.release.calling.as_ref().filter(|calling| calling.state == CallState::Out)
        else {
            return;
        };
        let (number, hook) = (calling.number, calling.hook.clone());
        let delivery = format!("{}/{}/{number}", self.release.name, self.release.attempt);
        let body = crate::hook::body(&self.release, calling);
        let hooks = Arc::clone(&self.inner.parts.hooks);
        self.calling = Some(Box::pin(async move { (number, hooks.call(&hook, &delivery, &body).await) }));
    }

    /// Takes people back although that could not be recorded: a full disk must not keep them on a bad version.
    fn take_back_at_once(&self, transition: &Transition) {
        if is_taking_back(&self.release, transition) {
            self.inner.world().steer_unrecorded(&transition.next);
            self.inner.publisher.send();
        }
    }

    async fn checkpoint_if_due(&mut self, is_last: bool) {
        let now = self.inner.now();
        let is_due = is_last || now.since(self.checkpointed_at) >= CHECKPOINT_EVERY;
        if !(is_due && self.is_dirty && self.release.is_active()) {
            return;
        }
        self.checkpointed_at = now;
        self.is_dirty = false;
        let change =
            Change::Checkpoint { state: JsonText::of(&*self.release), of_version: self.stored.version };
        let write = Write { key: self.key.clone(), expect: Expect::Any, change };
        let commit = Commit { now, writes: vec![write], ..Commit::default() };
        if let Err(error) = self.inner.commit(commit).await {
            warn!(release.name = %self.release.name, %error, "What was counted could not be kept; it is tried again");
            self.is_dirty = true;
        }
    }

    fn refuse_the_rest(&mut self) {
        self.mailbox.close();
        while let Ok(message) = self.mailbox.try_recv() {
            if let Message::Command(asked) = message {
                let decided = self.decide(&Event::Command(asked.command));
                let answer = match decided.answer {
                    Answer::Already => Ok(release_resource(&self.stored, &self.release)),
                    Answer::Refused { why } => {
                        Err(Error::VerbRefused { release: self.release.name.clone(), why })
                    }
                    // Asked again of what it is now: that it is over, or that the engine stops.
                    Answer::Done | Answer::None => continue,
                };
                asked.reply.send(answer).ok();
            }
        }
    }
}

/// Waits for what was begun, forever when nothing was.
async fn outcome<T>(begun: &mut Option<Awaited<T>>) -> T {
    match begun {
        Some(begun) => begun.await,
        None => std::future::pending().await,
    }
}

/// Whether a transition takes people off the candidate.
fn is_taking_back(before: &Release, transition: &Transition) -> bool {
    transition.next.traffic.desired.is_nobody() && !before.traffic.desired.is_nobody()
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// Where a release is told things. Bounded: whoever tells it more than it can take waits.
pub(crate) fn mailbox() -> (mpsc::Sender<Message>, mpsc::Receiver<Message>) {
    mpsc::channel(64)
}

/// Starts the task of a release. Should the task itself panic, which nothing in it is meant to, it is started again
/// from the state that was last recorded.
pub(crate) fn spawn(
    inner: &Arc<Inner>,
    release: Arc<Release>,
    stored: Stored,
    mailbox: mpsc::Receiver<Message>,
) {
    let mut actor = Actor::new(Arc::clone(inner), release, stored, mailbox);
    tokio::spawn(async move {
        let mut pause = Span::from_millis(100);
        while let Err(panic) = AssertUnwindSafe(actor.run()).catch_unwind().await {
            Numbers::add(&actor.inner.numbers.panics);
            let message = panic_message(panic.as_ref());
            error!(release.name = %actor.release.name, message, "The task of a release panicked; it is started again");
            let clock = Arc::clone(&actor.inner.parts.clock);
            clock.sleep_until(clock.now().after(pause)).await;
            pause = Span::from_millis(pause.as_millis() * 2).min(TASK_RETRY_LONGEST);
        }
    });
}
