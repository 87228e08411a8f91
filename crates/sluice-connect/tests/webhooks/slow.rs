//! Answers that take too long. The clock stands still until the receiver has what it waits for; then it runs to the
//! timeout by itself.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_core::Span;
use sluice_core::document::policy::Hook;
use sluice_core::release::HookAnswer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use super::receiver::{Receiver, read_request, until_closed};
use super::{call, hook, why};

/// Holds the clock until it is dropped: time does not run by itself while blocking work is done.
#[derive(Clone)]
struct HeldClock(Arc<Mutex<Option<Sender<()>>>>);

impl HeldClock {
    fn hold() -> HeldClock {
        let (held, until_dropped) = channel::<()>();
        tokio::task::spawn_blocking(move || until_dropped.recv().is_err());
        HeldClock(Arc::new(Mutex::new(Some(held))))
    }

    fn let_run(&self) {
        self.0.lock().unwrap().take();
    }
}

fn hasty(at: &str) -> Hook {
    Hook { timeout: Span::from_secs(10), ..hook(at) }
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_a_request_and_never_answers_is_left_at_the_timeout() {
    let (clock, was_left) = (HeldClock::hold(), Arc::new(Notify::new()));
    let receiver = Receiver::doing({
        let was_left = Arc::clone(&was_left);
        move |mut stream, _| {
            let (clock, was_left) = (clock.clone(), Arc::clone(&was_left));
            async move {
                read_request(&mut stream).await;
                clock.let_run();
                until_closed(&mut stream).await;
                was_left.notify_one();
            }
        }
    })
    .await;
    let why = why(call(&hasty(&receiver.url())).await);
    assert_eq!(why, format!("{} took the connection and did not answer within 10s", receiver.address));
    was_left.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_ends_is_left_at_the_timeout() {
    let clock = HeldClock::hold();
    let receiver = Receiver::doing(move |mut stream, _| {
        let clock = clock.clone();
        async move {
            assert_ne!(stream.read(&mut [0; 16]).await.unwrap(), 0);
            clock.let_run();
            until_closed(&mut stream).await;
        }
    })
    .await;
    let hooks = super::encrypted::hooks_with_a_root();
    let at = format!("https://{}", receiver.address);
    let answer = sluice_engine::port::Hooks::call(&hooks, &hasty(&at), "1", &super::message()).await;
    assert_eq!(why(answer), format!("{} could not be connected to within 10s", receiver.address));
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_does_not_hold_the_call_past_the_timeout() {
    for half in [
        "HTTP/1.1 200 OK\r\ncontent-len",
        "HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"verdict\":\"pass\"",
    ] {
        let clock = HeldClock::hold();
        let receiver = Receiver::doing(move |mut stream, _| {
            let clock = clock.clone();
            async move {
                read_request(&mut stream).await;
                stream.write_all(half.as_bytes()).await.unwrap();
                clock.let_run();
                until_closed(&mut stream).await;
            }
        })
        .await;
        let why = why(call(&hasty(&receiver.url())).await);
        assert!(why.starts_with(&receiver.address.to_string()) && why.ends_with(" within 10s"), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_byte_of_a_drip_does_not_begin_the_timeout_anew() {
    let clock = HeldClock::hold();
    let receiver = Receiver::doing(move |mut stream, _| {
        let clock = clock.clone();
        async move {
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"verdict\":\"pass\"}").await.unwrap();
            clock.let_run();
            let mut drip = tokio::time::interval(Duration::from_millis(100));
            // Ends when the other side has closed.
            while stream.write_all(b" ").await.is_ok() {
                drip.tick().await;
            }
        }
    })
    .await;
    let why = why(call(&hasty(&receiver.url())).await);
    assert_eq!(why, format!("{} began to answer and did not end within 10s", receiver.address));
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_is_too_little_and_half_of_eternity_is_not_too_much() {
    let receiver = Receiver::answering(super::receiver::answer("200 OK", r#"{"verdict":"pass"}"#)).await;
    let taking = |timeout| Hook { timeout, ..hook(&receiver.url()) };
    let held = HeldClock::hold();
    assert_eq!(call(&taking(Span::from_millis(u64::MAX))).await, HookAnswer::Pass(None));
    held.let_run();
    let why = why(call(&taking(Span::ZERO)).await);
    assert!(why.contains(" within 0"), "{why}");
}
