//! Webhooks that answer well, badly, late, or never.

use async_trait::async_trait;
use serde_json::Value;
use sluice_core::document::policy::Hook;
use sluice_core::release::HookAnswer;
use sluice_engine::port::Hooks;

use super::audit::Audit;
use super::faults::{Faults, Port};

/// Other programs that are asked and told.
#[derive(Clone)]
pub(super) struct Callee {
    pub(super) faults: Faults,
    pub(super) audit: Audit,
}

#[async_trait]
impl Hooks for Callee {
    async fn call(&self, hook: &Hook, delivery: &str, body: &Value) -> HookAnswer {
        self.faults.moment().await;
        tokio::task::yield_now().await;
        self.faults.dawdle(Port::Hooks).await;
        let answer = self.answer();
        self.audit.tell(format!("webhook {} {delivery} {} answers {answer:?}", hook.url, body["purpose"]));
        let Some(answer) = answer else {
            // Whatever calls it is killed, or calls again.
            return std::future::pending().await;
        };
        self.faults.moment().await;
        answer
    }
}

impl Callee {
    /// None for one that never comes.
    fn answer(&self) -> Option<HookAnswer> {
        if !self.faults.happens(self.faults.odds().hook_bad) {
            return Some(HookAnswer::Pass(None));
        }
        // Mostly out of reach: a pipeline has to be told often before it is given up.
        match self.faults.draw(10) {
            0 => Some(HookAnswer::Fail(Some("the cart is empty".to_owned()))),
            1 => Some(HookAnswer::Wait(Some("tests are running".to_owned()))),
            2 => Some(HookAnswer::Taken { instead: "HTML".to_owned() }),
            3..9 => Some(HookAnswer::Broken { why: "it refused the connection".to_owned() }),
            _ => None,
        }
    }
}
