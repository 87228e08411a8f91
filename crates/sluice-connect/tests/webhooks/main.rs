//! Webhooks over real sockets: what is sent, what answers mean, and everything that can go wrong on the way.

#![expect(clippy::unwrap_used, reason = "in tests, a panic is how a failure is told")]

mod answers;
mod broken;
mod encrypted;
mod receiver;
mod requests;
mod slow;

use std::ffi::OsString;

use serde_json::{Value, json};
use sluice_connect::{CertificateDer, HttpHooks, Options};
use sluice_core::Span;
use sluice_core::document::policy::{Hook, SecretSource};
use sluice_core::release::HookAnswer;
use sluice_engine::port::Hooks as _;

/// Longer than any test takes: where it is reached, the test has failed.
const PATIENT: Span = Span::from_secs(60);
/// The variable that holds [`SECRET`].
const VARIABLE: &str = "CI_SECRET";
/// What messages are signed with. It also stands in the addresses, as tokens do, and must not get out.
const SECRET: &str = "hush-4711";

/// An environment with a secret, an empty variable, and nothing else.
fn variable(name: &str) -> Option<OsString> {
    match name {
        VARIABLE => Some(format!("{SECRET}\n").into()),
        "EMPTY" => Some(" \n".into()),
        _ => None,
    }
}

fn hooks_that_trust(extra_roots: Vec<CertificateDer<'static>>) -> HttpHooks {
    HttpHooks::new(Options { read_variable: Box::new(variable), extra_roots }).unwrap()
}

fn hooks() -> HttpHooks {
    hooks_that_trust(Vec::new())
}

/// An unsigned webhook with a token in its path and one in its query.
fn hook(at: &str) -> Hook {
    Hook { url: format!("{at}/{SECRET}?token={SECRET}").parse().unwrap(), secret: None, timeout: PATIENT }
}

fn signed(at: &str, secret: SecretSource) -> Hook {
    Hook { secret: Some(secret), ..hook(at) }
}

fn message() -> Value {
    json!({ "release": "checkout-7", "purpose": "gate", "reason": "wärmer" })
}

async fn call(hook: &Hook) -> HookAnswer {
    hooks().call(hook, "checkout-7/3", &message()).await
}

/// What went wrong, which holds nothing that is secret.
fn why(answer: HookAnswer) -> String {
    match answer {
        HookAnswer::Broken { why } => {
            assert!(!why.contains(SECRET), "a secret got out: {why}");
            why
        }
        other => panic!("nothing went wrong: {other:?}"),
    }
}

fn passed(reason: &str) -> HookAnswer {
    HookAnswer::Pass(Some(reason.to_owned()))
}

#[test]
fn a_root_that_is_no_certificate_is_refused_with_its_place() {
    let extra_roots = vec![CertificateDer::from(b"certainly not".to_vec())];
    let options = Options { read_variable: Box::new(variable), extra_roots };
    let error = HttpHooks::new(options).err().unwrap();
    assert_eq!(error.number, 1);
    assert!(error.to_string().starts_with("the certificate authority number 1 cannot be read: "), "{error}");
}
