//! `POST /api/v1/releases?dryRun=true`

use insta::assert_snapshot;
use serde_json::json;

use crate::world::World;

const PATH: &str = "/api/v1/releases?dryRun=true";

#[tokio::test]
async fn a_dry_run_tells_the_whole_schedule_and_starts_nothing() {
    let world = World::with_checkout().await;
    let body = json!({ "service": "checkout", "version": "2.1.0", "policy": "canary" });
    assert_snapshot!(world.client.post(PATH, &body).header("idempotency-key", "k").send().await);
    let releases = world.client.get("/api/v1/releases").send().await.json();
    assert_eq!(releases["items"], json!([]));
    let events = world.client.get("/api/v1/events").send().await;
    assert!(!events.text.contains("Release"), "the dry run is in the log: {events}");
    let started = world.client.post("/api/v1/releases", &body).header("idempotency-key", "k").send().await;
    assert_eq!(started.status, 201, "the dry run has used up the key: {started}");
}

#[tokio::test]
async fn a_dry_run_refuses_what_could_not_start() {
    let world = World::with_checkout().await;
    let live = json!({ "service": "checkout", "version": "2.0.3" });
    assert_eq!(world.client.post(PATH, &live).send().await.problem(), "release-refused");
    let missing = json!({ "service": "chekcout", "version": "2.1.0" });
    assert_eq!(world.client.post(PATH, &missing).send().await.problem(), "not-found");
    let maybe = world.client.post("/api/v1/releases?dryRun=maybe", &live).send().await;
    assert_eq!(maybe.problem(), "bad-request");
    let typo = world.client.post("/api/v1/releases?dryrun=true", &live).send().await;
    assert_eq!(typo.problem(), "bad-request", "a slip of the pen would have started it");
}

#[tokio::test]
async fn a_dry_run_tells_of_a_freeze_and_of_people_who_decide() {
    let world = World::with_checkout().await;
    world
        .client
        .apply(
            "
kind: Environment
metadata: { name: production }
spec:
  freezes: [ { from: 2026-11-20, to: 2026-11-30, reason: black friday } ]
  roles: { product: [ ann ] }
---
kind: Policy
metadata: { name: signed }
spec:
  steps:
    - { name: few, audience: [ { percent: 5 } ], hold: { time: 10m } }
    - { name: ask, approval: { roles: [ product ] } }
    - { name: all, audience: [ { percent: 100 } ] }
",
        )
        .await;
    let body = json!({ "service": "checkout", "version": "2.1.0", "policy": "signed" });
    let schedule = world.client.post(PATH, &body).send().await.json();
    let steps = &schedule["steps"];
    assert_eq!(steps[0]["beginsAt"], "2026-12-01T00:00:00.000Z", "{schedule:#}");
    assert!(steps[0]["heldUp"].as_str().unwrap().contains("black friday"), "{schedule:#}");
    assert!(!steps[1]["undecided"].is_null(), "{schedule:#}");
    assert!(schedule["endsAt"].is_null(), "nobody knows when product approves: {schedule:#}");
}
