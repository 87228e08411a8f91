//! Webhooks: asking and telling other programs.

use async_trait::async_trait;
use serde_json::Value;
use sluice_core::document::policy::Hook;
use sluice_core::release::HookAnswer;

/// Calls webhooks.
#[async_trait]
pub trait Hooks: Send + Sync + 'static {
    /// Posts `body` as JSON, once, and says what came of it. Retries are the release's to decide. The same `delivery`
    /// is the same call, however often it is made: receivers may ignore one that they have seen.
    ///
    /// # Cancel safety
    /// When dropped, the call may or may not have been made.
    async fn call(&self, hook: &Hook, delivery: &str, body: &Value) -> HookAnswer;
}
