//! What is sent, and how it is signed. The example of `docs/webhooks.md` verifies it.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sluice_core::document::policy::{Hook, SecretSource};
use sluice_core::release::HookAnswer;
use tokio::io::AsyncWriteExt as _;

use super::receiver::{Received, Receiver, answer};
use super::{SECRET, VARIABLE, call, hook, message, signed, why};

const PASS: &str = r#"{"verdict":"pass"}"#;

/// The one request that a webhook makes to a receiver that is content.
async fn received(hook: impl FnOnce(&str) -> Hook) -> Received {
    let mut receiver = Receiver::answering(answer("200 OK", PASS)).await;
    assert_eq!(call(&hook(&receiver.url())).await, HookAnswer::Pass(None));
    receiver.requests.recv().await.unwrap()
}

/// HMAC-SHA256 as RFC 2104 writes it down, apart from the code under test.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text).finalize();
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The time that a header names, once its signature was found to be right.
fn verified(request: &Received, secret: &str) -> u64 {
    let header = request.header("x-sluice-signature").unwrap();
    let (time, signature) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut signed = format!("{time}.").into_bytes();
    signed.extend_from_slice(&request.body);
    assert_eq!(signature, hmac(secret.as_bytes(), &signed));
    time.parse().unwrap()
}

#[tokio::test]
async fn a_message_is_posted_as_json_under_its_delivery() {
    let mut receiver = Receiver::answering(answer("200 OK", PASS)).await;
    assert_eq!(call(&hook(&receiver.url())).await, HookAnswer::Pass(None));
    let request = receiver.requests.recv().await.unwrap();
    assert_eq!(request.line, format!("POST /{SECRET}?token={SECRET} HTTP/1.1"));
    assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), message());
    let length = request.body.len().to_string();
    let host = receiver.address.to_string();
    let expected = [
        ("connection", "close"),
        ("content-length", &length),
        ("content-type", "application/json"),
        ("host", &host),
        ("user-agent", concat!("sluice/", env!("CARGO_PKG_VERSION"))),
        ("x-sluice-delivery", "checkout-7/3"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(request.headers, expected, "nothing else is sent, and no signature without a secret");
}

#[tokio::test]
async fn an_address_without_a_path_means_the_root() {
    let at = |suffix: &'static str| {
        move |url: &str| Hook { url: format!("{url}{suffix}").parse().unwrap(), ..hook(url) }
    };
    assert_eq!(received(at("")).await.line, "POST / HTTP/1.1");
    assert_eq!(received(at("?run=7")).await.line, "POST /?run=7 HTTP/1.1");
    assert_eq!(received(at("/a%20b/?x=%2F")).await.line, "POST /a%20b/?x=%2F HTTP/1.1");
}

#[tokio::test]
async fn a_host_is_found_by_name_behind_the_address_that_refuses() {
    let mut receiver = Receiver::answering(answer("200 OK", PASS)).await;
    let by_name = format!("http://localhost:{}", receiver.address.port());
    assert_eq!(call(&hook(&by_name)).await, HookAnswer::Pass(None));
    let request = receiver.requests.recv().await.unwrap();
    assert_eq!(request.header("host"), Some(format!("localhost:{}", receiver.address.port()).as_str()));
}

#[tokio::test]
async fn a_secret_from_the_environment_signs_time_and_body() {
    let before = now();
    let request = received(|url| signed(url, SecretSource::Env(VARIABLE.to_owned()))).await;
    let time = verified(&request, SECRET);
    assert!((before..=now()).contains(&time), "{time} is not between {before} and now");
}

#[tokio::test]
async fn a_secret_file_is_read_at_each_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let source = SecretSource::File(path.to_str().unwrap().to_owned());
    for secret in ["first secret", "the next, after it was changed"] {
        std::fs::write(&path, format!("{secret} \r\n")).unwrap();
        let request = received(|url| signed(url, source.clone())).await;
        verified(&request, secret);
    }
}

#[tokio::test]
async fn without_its_secret_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("empty"), "\n\n").unwrap();
    std::fs::write(path("huge"), SECRET.repeat(10_000)).unwrap();
    let (empty, huge, missing) = (path("empty"), path("huge"), path("missing"));
    let cases = [
        (
            SecretSource::Env("NOWHERE".to_owned()),
            "the variable `NOWHERE`, which holds its secret, is not set where Sluice runs".to_owned(),
        ),
        (
            SecretSource::Env("EMPTY".to_owned()),
            "the variable `EMPTY`, which holds its secret, is empty".to_owned(),
        ),
        (SecretSource::File(empty.clone()), format!("the file `{empty}`, which holds its secret, is empty")),
        (SecretSource::File(path("")), format!("`{}`, which holds its secret, is not a file", path(""))),
        (
            SecretSource::File(huge.clone()),
            format!("the file `{huge}`, which holds its secret, is longer than 65536 bytes"),
        ),
        (
            SecretSource::File(missing.clone()),
            format!(
                "the file `{missing}`, which holds its secret, cannot be read: No such file or directory (os error 2)"
            ),
        ),
    ];
    for (source, expected) in cases {
        let mut receiver = Receiver::answering(answer("200 OK", PASS)).await;
        let why = why(call(&signed(&receiver.url(), source)).await);
        assert_eq!(why, format!("{} was not called: {expected}", receiver.address));
        assert!(receiver.requests.try_recv().is_err(), "something was sent");
    }
}

/// The Python example of the page for receivers.
fn example() -> &'static str {
    let page = include_str!("../../../../docs/webhooks.md");
    let (_, from) = page.split_once("```python\n").expect("the page has an example in Python");
    from.split_once("```").expect("the example ends").0
}

/// What the example says of a message.
async fn example_says(secret: &str, header: &str, body: &[u8]) -> String {
    let mut program = tempfile::NamedTempFile::new().unwrap();
    let ask = "import sys\nprint(is_genuine(sys.argv[1].encode(), sys.argv[2], sys.stdin.buffer.read()))";
    write!(program, "{}\n{ask}\n", example()).unwrap();
    let mut python = tokio::process::Command::new("python3")
        .arg(program.path())
        .args([secret, header])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let mut stdin = python.stdin.take().unwrap();
    stdin.write_all(body).await.unwrap();
    drop(stdin);
    let output = python.wait_with_output().await.unwrap();
    assert!(output.status.success(), "the example ended with {}", output.status);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_documented_example_tells_genuine_messages_from_others() {
    let request = received(|url| signed(url, SecretSource::Env(VARIABLE.to_owned()))).await;
    let header = request.header("x-sluice-signature").unwrap();
    assert_eq!(example_says(SECRET, header, &request.body).await, "True");
    assert_eq!(example_says("another secret", header, &request.body).await, "False");
    assert_eq!(example_says(SECRET, header, b"{\"verdict\":\"pass\"}").await, "False");
    // Overheard yesterday, and sent again.
    let time = now() - 24 * 3600;
    let old = format!("t={time},v1={}", hmac(SECRET.as_bytes(), format!("{time}.{{}}").as_bytes()));
    assert_eq!(example_says(SECRET, &old, b"{}").await, "False");
}
