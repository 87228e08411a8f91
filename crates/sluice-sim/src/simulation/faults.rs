//! What goes wrong at the moment: every port asks here how slow it is and whether it fails, and each of its awaits is
//! a moment at which the engine may be killed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_core::Span;
use tokio::sync::Notify;

use crate::random::Random;

/// Which port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    Store,
    Traffic,
    Hooks,
}

/// What goes wrong at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Odds {
    /// The longest a commit takes.
    pub(super) commit_takes: Span,
    /// How often a commit fails.
    pub(super) commit_fails: f64,
    /// Whether nothing can be read or written.
    pub(super) store_is_away: bool,
    /// The longest that setting traffic takes.
    pub(super) apply_takes: Span,
    /// How often setting traffic fails and is lost.
    pub(super) apply_lost: f64,
    /// How often traffic is set, but that is not heard of.
    pub(super) apply_unheard: f64,
    /// The longest that a webhook takes.
    pub(super) hook_takes: Span,
    /// How often a webhook does not answer well.
    pub(super) hook_bad: f64,
}

/// The faults of a simulation. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(super) struct Faults {
    state: Arc<Mutex<State>>,
    killed: Arc<Notify>,
}

struct State {
    random: Random,
    odds: Odds,
    /// After so many more awaits of ports the engine is killed.
    fuse: Option<u64>,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Faults {
        let state = State { random: Random::from_seed(seed), odds: Odds::default(), fuse: None };
        Faults { state: Arc::new(Mutex::new(state)), killed: Arc::new(Notify::new()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what goes wrong.
    pub(super) fn change(&self, change: impl FnOnce(&mut Odds)) {
        change(&mut self.lock().odds);
    }

    pub(super) fn odds(&self) -> Odds {
        self.lock().odds
    }

    /// Lets the engine be killed after so many more awaits.
    pub(super) fn light_fuse(&self, awaits: u64) {
        self.lock().fuse = Some(awaits);
    }

    /// Nothing goes wrong any more.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.odds = Odds::default();
        state.fuse = None;
    }

    /// Returns once the engine is to be killed.
    pub(super) async fn killed(&self) {
        self.killed.notified().await;
    }

    /// A moment at which the engine may be killed; from then on it waits for ever.
    pub(super) async fn moment(&self) {
        let is_over = {
            let mut state = self.lock();
            match &mut state.fuse {
                None => false,
                Some(0) => {
                    state.fuse = None;
                    true
                }
                Some(left) => {
                    *left -= 1;
                    false
                }
            }
        };
        if is_over {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Takes as long as the port takes now.
    pub(super) async fn dawdle(&self, port: Port) {
        let takes = {
            let mut state = self.lock();
            let longest = match port {
                Port::Store => state.odds.commit_takes,
                Port::Traffic => state.odds.apply_takes,
                Port::Hooks => state.odds.hook_takes,
            };
            Span::from_millis(state.random.below(longest.as_millis() + 1))
        };
        if takes > Span::ZERO {
            tokio::time::sleep(takes.as_duration()).await;
        }
    }

    /// Whether something happens that does so often.
    pub(super) fn happens(&self, probability: f64) -> bool {
        probability > 0.0 && self.lock().random.chance(probability)
    }

    /// A number of `0..below`.
    pub(super) fn draw(&self, below: u64) -> u64 {
        self.lock().random.below(below)
    }
}
