//! Answers of webhooks.

use serde_json::json;
use sluice_connect::read_hook_answer;
use sluice_core::release::HookAnswer;

/// Reasons are short and on one line, and an answer with the same verdict and reason says the same. What is no verdict
/// is said in words.
pub fn hold(bytes: &[u8]) {
    let answer = read_hook_answer(bytes);
    let (verdict, reason) = match &answer {
        HookAnswer::Pass(reason) => ("pass", reason),
        HookAnswer::Fail(reason) => ("fail", reason),
        HookAnswer::Wait(reason) => ("wait", reason),
        HookAnswer::Taken { instead } => return assert!(!instead.is_empty()),
        HookAnswer::Broken { why } => panic!("a successful answer is told to be broken: {why}"),
    };
    if let Some(reason) = reason {
        assert!(!reason.is_empty() && reason.chars().count() <= 300, "{reason:?}");
        assert!(!reason.contains(char::is_control), "{reason:?} breaks the line");
    }
    let again = json!({ "verdict": verdict, "reason": reason }).to_string();
    assert_eq!(read_hook_answer(again.as_bytes()), answer);
}
