//! Time, as the engine is told it.

use async_trait::async_trait;
use sluice_core::Timestamp;

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns once `at` has come; at once when it is past.
    ///
    /// # Cancel safety
    /// May be dropped at any time.
    async fn sleep_until(&self, at: Timestamp);
}
