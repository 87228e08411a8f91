//! `GET /api/v1/events`, as a list and as a stream

use insta::assert_snapshot;
use serde_json::{Value, json};
use sluice_core::document::parse_json;
use sluice_engine::Caller;
use sluice_engine::port::Store;
use sluice_engine::port::store::Retention;
use sluice_engine::resource::ApplyMode;

use crate::client::{Message, Stream};
use crate::world::World;

/// Applies a segment of this name, which adds one event to the log.
async fn add_event(world: &World, name: &str) {
    world
        .client
        .apply(&format!("kind: Segment\nmetadata: {{ name: {name} }}\nspec: {{ match: \"true\" }}\n"))
        .await;
}

async fn seqs_of(world: &World, path: &str) -> Vec<u64> {
    let list = world.client.get(path).send().await.json();
    list["items"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

async fn logged(stream: &mut Stream, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(stream.next_of("log").await);
    }
    messages
}

#[tokio::test]
async fn the_log_is_listed_in_pages_oldest_first() {
    let world = World::empty().await;
    for name in ["a", "b", "c"] {
        add_event(&world, name).await;
    }
    let all = seqs_of(&world, "/api/v1/events").await;
    assert_eq!(all, [1, 2, 3]);
    let page = world.client.get("/api/v1/events?limit=2").send().await.json();
    assert_eq!(page["next"], 2);
    assert_eq!(seqs_of(&world, "/api/v1/events?after=2").await, [3]);
    assert_eq!(seqs_of(&world, "/api/v1/events?newest=true&limit=2").await, [2, 3]);
    let newest = world.client.get("/api/v1/events?newest=true&limit=2").send().await.json();
    assert_eq!(newest["next"], Value::Null);
    assert_snapshot!(world.client.get("/api/v1/events?limit=1").send().await);
}

#[tokio::test]
async fn events_about_one_document_can_be_asked_for() {
    let (world, release) = World::with_release().await;
    let path = format!("/api/v1/events?kind=Release&name={release}");
    let events = world.client.get(&path).send().await.json();
    let subjects: Vec<_> =
        events["items"].as_array().unwrap().iter().map(|event| &event["subject"]["name"]).collect();
    assert!(!subjects.is_empty() && subjects.iter().all(|name| **name == json!(release)), "{subjects:?}");
    for path in ["?kind=Release", "?name=a", "?environment=staging", "?kind=Policy&name=a&environment=b"] {
        let answer = world.client.get(&format!("/api/v1/events{path}")).send().await;
        assert_eq!(answer.problem(), "bad-request", "{path}");
    }
}

#[tokio::test]
async fn a_stream_without_a_place_begins_with_what_happens_next() {
    let world = World::empty().await;
    add_event(&world, "before").await;
    let mut stream = world.client.get("/api/v1/events").watch().await;
    let hello = stream.next().await.unwrap();
    assert_eq!((hello.event.as_str(), &hello.data["after"]), ("hello", &json!(1)));
    add_event(&world, "later").await;
    let log = stream.next_of("log").await;
    assert_eq!((log.id, &log.data["subject"]["name"]), (Some(2), &json!("later")));
}

#[tokio::test]
async fn a_stream_that_is_resumed_has_neither_holes_nor_doubles() {
    let world = World::empty().await;
    for index in 0..40 {
        add_event(&world, &format!("before-{index}")).await;
    }
    let mut stream = world.client.get("/api/v1/events").header("last-event-id", "10").watch().await;
    // The log goes on while the stream is still being read from the store.
    let add = async {
        for index in 0..40 {
            add_event(&world, &format!("after-{index}")).await;
        }
    };
    let ((), messages) = tokio::join!(add, logged(&mut stream, 70));
    let ids: Vec<u64> = messages.iter().map(|message| message.id.unwrap()).collect();
    assert_eq!(ids, (11..=80).collect::<Vec<_>>());
    assert!(messages.iter().all(|message| message.data["seq"] == json!(message.id.unwrap())));
}

#[tokio::test]
async fn the_last_event_id_weighs_more_than_after() {
    let world = World::empty().await;
    for name in ["a", "b", "c"] {
        add_event(&world, name).await;
    }
    let call = world.client.get("/api/v1/events?after=0").header("last-event-id", "2");
    let mut stream = call.watch().await;
    assert_eq!(stream.next_of("log").await.id, Some(3));
    let wrong = world.client.get("/api/v1/events").header("accept", "text/event-stream");
    assert_eq!(wrong.header("last-event-id", "two").send().await.problem(), "bad-request");
    let limited = world.client.get("/api/v1/events?limit=5").header("accept", "text/event-stream");
    assert_eq!(limited.send().await.problem(), "bad-request");
}

#[tokio::test]
async fn a_watcher_who_falls_behind_is_told_so_and_still_gets_the_whole_log() {
    let world = World::empty().await;
    let mut stream = world.client.get("/api/v1/events?after=0").watch().await;
    assert_eq!(stream.next().await.unwrap().event, "hello");
    // One commit with more events than the live channel holds: all but the log is lost.
    let total = 5000;
    let segment = |index| json!({ "kind": "Segment", "metadata": { "name": format!("s{index}") }, "spec": { "match": "true" } });
    let documents = (0..total).map(|index| parse_json(&segment(index)).unwrap()).collect();
    let caller = Caller { actor: "test".into(), reason: None, idempotency_key: None };
    world.engine.apply(documents, ApplyMode::Commit, &caller).await.unwrap();
    let mut ids = Vec::new();
    let mut has_resynced = false;
    while ids.len() < total {
        let message = stream.next().await.unwrap();
        match message.event.as_str() {
            "log" => ids.push(message.id.unwrap()),
            "resync" => has_resynced = true,
            _ => {}
        }
    }
    assert_eq!(ids, (1..=total as u64).collect::<Vec<_>>());
    assert!(has_resynced, "the events fitted into the channel; the test must write more");
}

#[tokio::test]
async fn a_place_that_the_log_never_had_begins_anew_and_says_so() {
    let world = World::empty().await;
    add_event(&world, "a").await;
    let mut stream = world.client.get("/api/v1/events").header("last-event-id", "9000").watch().await;
    assert_eq!(stream.next().await.unwrap().data["after"], 1);
    let resync = stream.next().await.unwrap();
    assert_eq!(resync.event, "resync");
    assert_snapshot!(resync.data["text"].as_str().unwrap(), @"the log ends at 1, before 9000; it may belong to another data folder");
    add_event(&world, "b").await;
    assert_eq!(stream.next_of("log").await.id, Some(2));
}

#[tokio::test]
async fn a_release_is_shown_as_it_moves() {
    let (world, release) = World::with_release().await;
    let mut stream = world.client.get("/api/v1/events").watch().await;
    let path = format!("/api/v1/releases/{release}/pause");
    world.client.post(&path, &json!({ "reason": "lunch" })).send().await;
    loop {
        let shown = stream.next_of("release").await.data;
        assert_eq!(shown["metadata"]["name"], json!(release));
        if shown["status"]["phase"] == "Paused" {
            break;
        }
    }
}

#[tokio::test]
async fn traffic_is_told_each_second() {
    let world = World::with_checkout().await;
    world.street.count("checkout", "2.0.3", 1, 0);
    // The first second only shows the engine where the counts stand.
    world.next_second().await;
    let mut stream = world.client.get("/api/v1/events").watch().await;
    for requests in [20, 10] {
        world.street.count("checkout", "2.0.3", requests, 5);
        world.next_second().await;
        let told = stream.next_of("traffic").await.data;
        let version = &told["versions"]["2.0.3"];
        assert_eq!((&told["service"], &version["role"]), (&json!("checkout"), &json!("stable")));
        assert_eq!((&version["requests"], &version["failed"]), (&json!(requests), &json!(5)));
    }
}

#[tokio::test]
async fn a_stream_about_one_document_holds_nothing_else() {
    let (world, release) = World::with_release().await;
    let path = format!("/api/v1/events?after=0&kind=Release&name={release}");
    let mut stream = world.client.get(&path).watch().await;
    assert_eq!(stream.next().await.unwrap().event, "hello");
    add_event(&world, "other").await;
    let pause = format!("/api/v1/releases/{release}/pause");
    world.client.post(&pause, &json!({})).send().await;
    loop {
        let message = stream.next().await.unwrap();
        let subject = if message.event == "log" {
            &message.data["subject"]
        } else {
            assert_eq!(message.event, "release");
            &message.data["metadata"]
        };
        assert_eq!(subject["name"], json!(release));
        if message.data["status"]["phase"] == "Paused" {
            break;
        }
    }
}

#[tokio::test]
async fn only_so_many_clients_watch_at_once() {
    let world = World::empty().await;
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(world.client.get("/api/v1/events").watch().await);
    }
    let one_more = world.client.get("/api/v1/events").header("accept", "text/event-stream").send().await;
    assert_eq!(one_more.problem(), "unavailable");
    assert_eq!(world.client.get("/api/v1/events").send().await.status, 200);
    let metrics = world.client.get("/metrics").send().await.text;
    assert!(metrics.contains("\nsluice_event_streams 256\n"), "{metrics}");
}

#[tokio::test]
async fn events_that_are_no_longer_kept_are_told_as_missed() {
    let world = World::empty().await;
    for name in ["a", "b", "c", "d"] {
        add_event(&world, name).await;
    }
    let bounds = Retention { events_max: 2, releases_max: 1 };
    world.store.prune(bounds, world.engine.now()).await.unwrap();
    let mut stream = world.client.get("/api/v1/events?after=1").watch().await;
    assert_eq!(stream.next().await.unwrap().event, "hello");
    let resync = stream.next().await.unwrap();
    assert_eq!(
        (resync.event.as_str(), &resync.data["text"]),
        ("resync", &json!("events up to 2 are no longer kept"))
    );
    assert_eq!(stream.next().await.unwrap().id, Some(3));
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let world = World::empty().await;
    let mut stream = world.client.get("/api/v1/events").watch().await;
    assert_eq!(stream.next().await.unwrap().event, "hello");
    world.stop().await;
    assert!(stream.next().await.is_none());
}
