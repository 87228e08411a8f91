//! What is fast says the same as what is plain: counts to the last one, evidence to nine digits, verdicts always.

#[expect(dead_code, reason = "a benchmark asks it for more")]
mod plain;

mod counts;
mod stored;
mod tests_of_failures;
mod tests_of_times;
mod windows;

use proptest::prelude::*;

/// How far apart numbers may be: nine digits, or nine places when they are below one. What many requests add up to and
/// take away again leaves the rounding of each.
fn rounding(plain: f64, requests: u64) -> f64 {
    1e-9 * plain.abs().max(1.0) + 1e-14 * requests as f64
}

/// Fails unless two numbers are the same but for rounding.
fn assert_agree(fast: f64, plain: f64, requests: u64) -> Result<(), TestCaseError> {
    prop_assert!((fast - plain).abs() <= rounding(plain, requests), "{fast} and {plain}");
    Ok(())
}

/// Fails unless two verdicts are the same, but where rounding alone decides.
fn assert_same_verdict(
    [fast, plain]: [bool; 2],
    log_e: f64,
    alpha: f64,
    requests: u64,
) -> Result<(), TestCaseError> {
    let decides = (log_e + alpha.ln()).abs() <= rounding(log_e, requests);
    prop_assert!(decides || fast == plain, "at {alpha}: {fast} and {plain}");
    Ok(())
}

/// The levels at which verdicts are compared.
const ALPHAS: [f64; 4] = [0.2, 0.05, 0.01, 1e-6];
