//! Other programs that are asked and told, as a test wants them to answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use sluice_core::document::policy::Hook;
use sluice_core::release::HookAnswer;
use sluice_engine::port::Hooks;

/// Webhooks that answer as told, and remember who called. Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub struct Mailroom {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    answers: VecDeque<HookAnswer>,
    calls: Vec<Call>,
}

/// A call that came.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Where it went.
    pub url: String,
    /// What tells it from other calls.
    pub delivery: String,
    /// What it said.
    pub body: Value,
}

impl Mailroom {
    /// Answers the next call so. Once nothing is left to answer, everything passes.
    pub fn answer(&self, answer: HookAnswer) {
        self.lock().answers.push_back(answer);
    }

    /// Every call so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while the mailroom is held")
    }
}

#[async_trait]
impl Hooks for Mailroom {
    async fn call(&self, hook: &Hook, delivery: &str, body: &Value) -> HookAnswer {
        // What is called answers after it was called, never at once.
        tokio::task::yield_now().await;
        let mut inner = self.lock();
        inner.calls.push(Call {
            url: hook.url.as_str().to_owned(),
            delivery: delivery.to_owned(),
            body: body.clone(),
        });
        inner.answers.pop_front().unwrap_or(HookAnswer::Pass(None))
    }
}
