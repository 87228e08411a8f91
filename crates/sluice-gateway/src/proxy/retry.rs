//! Trying a request once more at another endpoint, where its route says so and nobody would notice.

use sluice_core::document::service::{RetryOn, RetrySpec};

use super::forward::{Answered, Failure, Forward};
use super::outgoing::Outgoing;
use crate::answer::Trouble;

impl Forward<'_> {
    /// Sends the request, and again as its route says. Only what is safe to repeat is sent again, and only while all that
    /// was sent of its body is still there.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the connection to the endpoint is closed.
    pub(super) async fn attempts(&self, outgoing: &Outgoing) -> Result<Answered, Failure> {
        let mut tried = None;
        let mut answered = self.attempt(outgoing, &mut tried).await;
        let Some((retries, budget)) = self.retries else { return answered };
        budget.earn(retries.budget_percent.0.parts());
        for _ in 0..retries.attempts {
            if !is_reason(retries, &answered) || !outgoing.is_repeatable() || !budget.spend() {
                break;
            }
            // What came is not wanted; its connection is closed with it.
            drop(answered);
            answered = self.attempt(outgoing, &mut tried).await;
        }
        answered
    }
}

fn is_reason(retries: &RetrySpec, answered: &Result<Answered, Failure>) -> bool {
    let is_on = |reason| retries.on.contains(&reason);
    match answered {
        Ok((response, ..)) => retries.is_on_status(response.status().as_u16()),
        Err(Failure::NotSent | Failure::Silent | Failure::Refused) => is_on(RetryOn::Reset),
        Err(Failure::Final(Trouble::EndpointReset | Trouble::ConnectFailed | Trouble::ConnectTimeout)) => {
            is_on(RetryOn::Reset)
        }
        Err(Failure::Final(Trouble::ResponseTimeout)) => is_on(RetryOn::Timeout),
        Err(Failure::Final(_) | Failure::Visitor(_)) => false,
    }
}
