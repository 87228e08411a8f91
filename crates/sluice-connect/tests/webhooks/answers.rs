//! What is made of answers that came whole.

use std::sync::Arc;

use futures_util::future::join_all;
use sluice_core::release::HookAnswer;
use sluice_engine::port::Hooks as _;
use tokio::io::AsyncWriteExt;
use tokio::sync::Barrier;

use super::receiver::{Receiver, answer, padded, read_request};
use super::{call, hook, hooks, message, passed};

async fn answer_to(bytes: impl Into<Vec<u8>>) -> HookAnswer {
    let receiver = Receiver::answering(bytes).await;
    call(&hook(&receiver.url())).await
}

async fn answer_to_body(body: impl AsRef<[u8]>) -> HookAnswer {
    answer_to(answer("200 OK", body)).await
}

#[tokio::test]
async fn a_verdict_is_taken_with_its_reason() {
    let said = |text: &str| Some(text.to_owned());
    let cases = [
        (
            r#"{"verdict":"pass","reason":"all 41 tests passed"}"#,
            HookAnswer::Pass(said("all 41 tests passed")),
        ),
        (r#"{"verdict":"fail","reason":"2 of 41 failed"}"#, HookAnswer::Fail(said("2 of 41 failed"))),
        (r#"{"verdict":"wait","reason":"still running"}"#, HookAnswer::Wait(said("still running"))),
        (r#"{"verdict":"pass"}"#, HookAnswer::Pass(None)),
        (r#"{"verdict":"fail","reason":null}"#, HookAnswer::Fail(None)),
        (r#"{"verdict":"wait","reason":" \n "}"#, HookAnswer::Wait(None)),
        (r#"{"verdict":"pass","reason":{"tests":41}}"#, HookAnswer::Pass(None)),
        (
            "\n {\"reason\":\"fields that are not known\",\"run\":[7],\"verdict\":\"pass\"} \n",
            passed("fields that are not known"),
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(answer_to_body(body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn a_verdict_counts_with_every_status_that_is_a_success() {
    for status in ["200 OK", "201 Created", "202 Accepted", "299 Whatever"] {
        let answered = answer_to(answer(status, r#"{"verdict":"wait"}"#)).await;
        assert_eq!(answered, HookAnswer::Wait(None), "{status}");
    }
}

#[tokio::test]
async fn a_success_without_a_verdict_is_taken_and_named() {
    let html_by_type =
        b"HTTP/1.1 200 OK\r\ncontent-type: Text/HTML; charset=utf-8\r\ncontent-length: 5\r\n\r\nhello";
    let no_content = b"HTTP/1.1 204 No Content\r\n\r\n";
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (no_content.to_vec(), "an empty body"),
        (answer("200 OK", " \r\n"), "an empty body"),
        (html_by_type.to_vec(), "HTML"),
        (answer("200 OK", "\n<!DOCTYPE html><title>Log in</title>"), "HTML"),
        (answer("200 OK", "<HTML></HTML>"), "HTML"),
        (answer("200 OK", "ok"), "text that is no JSON"),
        (answer("200 OK", r#"{"verdict":"pass""#), "text that is no JSON"),
        (answer("200 OK", r#"{"verdict":"pass"} {"verdict":"fail"}"#), "text that is no JSON"),
        (answer("200 OK", [0x1f, 0x8b, 0x08, 0xff]), "bytes that are no text"),
        (answer("200 OK", r#"["pass","because"]"#), "a JSON array instead of a JSON object"),
        (answer("200 OK", r#""pass""#), "a JSON string instead of a JSON object"),
        (answer("200 OK", "null"), "null instead of a JSON object"),
        (answer("200 OK", "{}"), "JSON without `verdict`"),
        (answer("200 OK", r#"{"verdict":null,"reason":"x"}"#), "JSON without `verdict`"),
        (answer("200 OK", r#"{"verdict":true}"#), "a `verdict` that is true or false"),
        (answer("200 OK", r#"{"verdict":["pass"]}"#), "a `verdict` that is a JSON array"),
        (answer("200 OK", r#"{"verdict":"maybe"}"#), "the verdict `maybe`"),
        (answer("200 OK", r#"{"verdict":"Pass"}"#), "the verdict `Pass`"),
        (
            answer("200 OK", r#"{"verdict":"fail","verdict":"pass"}"#),
            "JSON that has `verdict` or `reason` twice",
        ),
    ];
    for (bytes, expected) in cases {
        let taken = HookAnswer::Taken { instead: expected.to_owned() };
        assert_eq!(answer_to(bytes.clone()).await, taken, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test]
async fn reasons_stay_on_one_line_and_within_300_characters() {
    let long = "ä".repeat(301);
    let cut = format!("{}…", "ä".repeat(299));
    let fits = "ä".repeat(300);
    let cases = [
        (long.as_str(), cut.as_str()),
        (fits.as_str(), fits.as_str()),
        ("2 failed:\r\n\tlogin\u{2028}pay\u{0}ment\u{85}", "2 failed: login pay ment"),
        ("\u{1b}[31mred\u{1b}[0m", "[31mred [0m"),
        ("\u{202e}dessap\u{202c}", "dessap"),
    ];
    for (given, expected) in cases {
        let body = serde_json::json!({ "verdict": "pass", "reason": given }).to_string();
        assert_eq!(answer_to_body(body).await, passed(expected), "{given:?}");
    }
    let body = serde_json::json!({ "verdict": "maybe\n".repeat(50) }).to_string();
    let HookAnswer::Taken { instead } = answer_to_body(body).await else { panic!("it is no verdict") };
    assert_eq!(instead, format!("the verdict `{}…`", &"maybe ".repeat(50)[..39]));
}

#[tokio::test]
async fn a_body_of_64_kib_is_read_however_it_is_framed() {
    let body = padded(r#"{"verdict":"pass","reason":"just fits"}"#, 64 * 1024);
    assert_eq!(answer_to_body(&body).await, passed("just fits"));
    let until_closed = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    assert_eq!(answer_to(until_closed).await, passed("just fits"));
    let (first, second) = body.split_at(20);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    assert_eq!(answer_to(chunked).await, passed("just fits"));
}

#[tokio::test]
async fn an_answer_may_come_before_the_connection_ends_and_after_a_notice() {
    let bytes = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"verdict\":\"pass\"}";
    let receiver = Receiver::doing(move |mut stream, _| async move {
        read_request(&mut stream).await;
        stream.write_all(bytes).await.unwrap();
        super::receiver::until_closed(&mut stream).await;
    })
    .await;
    assert_eq!(call(&hook(&receiver.url())).await, HookAnswer::Pass(None));
}

#[tokio::test]
async fn calls_do_not_wait_for_each_other_nor_mix_their_answers() {
    const CALLS: usize = 40;
    let all_are_here = Arc::new(Barrier::new(CALLS));
    let receiver = Receiver::doing(move |mut stream, _| {
        let all_are_here = Arc::clone(&all_are_here);
        async move {
            let request = read_request(&mut stream).await;
            all_are_here.wait().await;
            let body =
                serde_json::json!({ "verdict": "pass", "reason": request.header("x-sluice-delivery") });
            stream.write_all(&answer("200 OK", body.to_string())).await.unwrap();
        }
    })
    .await;
    let (hooks, hook, message) = (hooks(), hook(&receiver.url()), message());
    let calls = (0..CALLS).map(|call| {
        let (hooks, hook, message) = (&hooks, &hook, &message);
        async move {
            let delivery = format!("checkout-7/{call}");
            (hooks.call(hook, &delivery, message).await, passed(&delivery))
        }
    });
    for (answer, expected) in join_all(calls).await {
        assert_eq!(answer, expected);
    }
}
