//! HTTP/2 used to wear the gateway out: each is cut off or held back, and others are served all the while.

use std::time::Duration;

use sluice_gateway::Gateway;
use tokio::io::AsyncWriteExt;

use super::world::doors::{ask, get, plain_http2};
use super::world::frames::{END_HEADERS, END_STREAM, Frames, block, frame, kind};
use super::world::{Endpoint, serve, service, soon, start, until_in_flight};

const FIELDS: [(&[u8], &[u8]); 4] =
    [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"h"), (b":path", b"/")];

async fn gateway_before(endpoint: &Endpoint) -> Gateway {
    let gateway = start();
    serve(&gateway, vec![service("shop", &[("1", &[endpoint])])]).await;
    gateway
}

/// Others are served, whatever one does.
async fn others_are_served(gateway: &Gateway) {
    let mut other = plain_http2(gateway.local_addr()).await;
    assert_eq!(ask(&mut other, get("http://h/other")).await.0.status(), 200);
}

/// Sends one thing after the other, until the gateway ends the connection or takes no more. Gives how many it took.
async fn flood(frames: &mut Frames, most: usize, mut next: impl FnMut(usize) -> Vec<u8>) -> usize {
    for number in 0..most {
        let bytes = next(number);
        let sent = tokio::time::timeout(Duration::from_secs(2), frames.stream.write_all(&bytes)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return number;
        }
    }
    most
}

/// Whether the gateway says that it ends the connection, or has ended it.
async fn is_ended(frames: &mut Frames) -> bool {
    while let Some(frame) = frames.next().await {
        if frame.kind == kind::GOAWAY {
            return true;
        }
    }
    true
}

fn odd(number: usize) -> u32 {
    u32::try_from(number * 2 + 1).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let mut frames = Frames::connect(gateway.local_addr()).await;
    let asking = block(&FIELDS);
    flood(&mut frames, 20_000, |number| {
        let head = frame(kind::HEADERS, END_HEADERS | END_STREAM, odd(number), &asking);
        [head, frame(kind::RST_STREAM, 0, odd(number), &[0, 0, 0, 8])].concat()
    })
    .await;
    assert!(is_ended(&mut frames).await);
    assert!(endpoint.heard().len() < 20_000, "most of them were never asked");
    others_are_served(&gateway).await;
    until_in_flight(&gateway, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_ends_the_connection() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let mut frames = Frames::connect(gateway.local_addr()).await;
    let value = vec![b'a'; 8_000];
    let more = block(&[(b"x-more", &value)]);
    frames.say(&frame(kind::HEADERS, END_STREAM, 1, &block(&FIELDS))).await;
    let taken = flood(&mut frames, 100_000, |_| frame(kind::CONTINUATION, 0, 1, &more)).await;
    assert!(is_ended(&mut frames).await);
    assert!(taken < 100_000, "800 MB of a head were taken");
    assert_eq!(endpoint.heard().len(), 0);
    others_are_served(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_pieces_of_a_head_end_the_connection() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let mut frames = Frames::connect(gateway.local_addr()).await;
    frames.say(&frame(kind::HEADERS, END_STREAM, 1, &block(&FIELDS))).await;
    let taken = flood(&mut frames, 1_000_000, |_| frame(kind::CONTINUATION, 0, 1, b"")).await;
    assert!(taken < 1_000_000);
    assert_eq!(endpoint.heard().len(), 0);
    others_are_served(&gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_head_that_unpacks_to_a_large_one_is_refused() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let mut frames = Frames::connect(gateway.local_addr()).await;
    // A field of 3 KiB goes into the table once, and is named a thousand times in a byte each (RFC 7541 section 6.1).
    let value = vec![b'a'; 3_000];
    let mut stored = block(&[(b"x-bomb", &value)]);
    stored[0] = 0x40;
    let bomb = [block(&FIELDS), stored, vec![0x80 | 62; 1_000]].concat();
    frames.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &bomb)).await;
    let fate = frames.fate(1).await;
    assert!(fate != super::world::frames::Fate::Answered(200), "{fate:?}");
    assert_eq!(endpoint.heard().len(), 0);
    others_are_served(&gateway).await;
}

/// Settings and pings ask for an answer each. Who takes none of the answers is not read from any more.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_answers_and_takes_none_is_held_back() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let settings = frame(kind::SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]);
    for (what, flooding) in [("settings", settings), ("pings", frame(kind::PING, 0, 0, b"01234567"))] {
        let mut frames = Frames::connect(gateway.local_addr()).await;
        let many = flooding.repeat(1_000);
        let taken = flood(&mut frames, 100_000, |_| many.clone()).await;
        assert!(taken < 100_000, "{taken} thousand {what} were taken without an answer being read");
        others_are_served(&gateway).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_do_nothing_harm_nobody() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let mut frames = Frames::connect(gateway.local_addr()).await;
    let priorities = frame(kind::PRIORITY, 0, 1, &[0, 0, 0, 0, 1]).repeat(100);
    let windows = frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(100);
    flood(&mut frames, 100, |_| [priorities.clone(), windows.clone()].concat()).await;
    others_are_served(&gateway).await;
    // Their sender is served too, unless they were cut off.
    frames.say(&frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &block(&FIELDS))).await;
    let fate = frames.fate(1).await;
    assert!(fate != super::world::frames::Fate::Reset, "{fate:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_pieces_of_a_body_are_bounded() {
    let endpoint = Endpoint::named("1").await;
    let gateway = gateway_before(&endpoint).await;
    let mut frames = Frames::connect(gateway.local_addr()).await;
    let post = [(&b":method"[..], &b"POST"[..]), FIELDS[1], FIELDS[2], FIELDS[3]];
    frames.say(&frame(kind::HEADERS, END_HEADERS, 1, &block(&post))).await;
    let empty = frame(kind::DATA, 0, 1, b"").repeat(1_000);
    let taken = flood(&mut frames, 1_000, |_| empty.clone()).await;
    others_are_served(&gateway).await;
    drop(frames);
    // However many were taken, nothing of them stays.
    until_in_flight(&gateway, 0).await;
    assert!(taken <= 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_window_ends_the_request_or_the_connection() {
    let endpoint = Endpoint::acting_on_heads(|_, conversation| async move {
        std::future::pending::<()>().await;
        Some(conversation)
    })
    .await;
    let gateway = gateway_before(&endpoint).await;
    let mut frames = Frames::connect(gateway.local_addr()).await;
    let post = [(&b":method"[..], &b"POST"[..]), FIELDS[1], FIELDS[2], FIELDS[3]];
    frames.say(&frame(kind::HEADERS, END_HEADERS, 1, &block(&post))).await;
    let piece = vec![b'a'; 16_384];
    // The endpoint takes nothing, so that the window closes after 64 KiB and what the sockets hold.
    flood(&mut frames, 100_000, |_| frame(kind::DATA, 0, 1, &piece)).await;
    soon("an end", async {
        loop {
            match frames.next().await {
                None => return,
                Some(frame) if [kind::GOAWAY, kind::RST_STREAM].contains(&frame.kind) => return,
                Some(_) => {}
            }
        }
    })
    .await;
}
