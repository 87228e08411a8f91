//! Every code can be provoked, and comes with its own status and form.

use std::sync::atomic::Ordering;

use http::Method;
use serde_json::json;
use sluice_engine::port::store::Error as StoreError;
use sluice_server::error::Code;

use crate::client::Answer;
use crate::world::World;

const RELEASES: &str = "/api/v1/releases";

fn start() -> serde_json::Value {
    json!({ "service": "checkout", "version": "2.1.0", "policy": "by-hand" })
}

/// The shortest way to each code; none for what takes too long over a socket and is tested beside its code.
async fn provoke(code: Code) -> Option<Answer> {
    let (world, release) = World::with_release().await;
    let client = &world.client;
    let verb = |verb: &str| format!("{RELEASES}/{release}/{verb}");
    Some(match code {
        Code::BadRequest => client.get("/api/v1/services?limit=0").send().await,
        Code::ForeignOrigin => client.get("/").header("origin", "https://evil.example").send().await,
        Code::NotFound => client.get("/api/v1/services/none").send().await,
        Code::MethodNotAllowed => client.call(Method::PATCH, RELEASES).send().await,
        Code::RequestTimeout => return None,
        Code::InUse => client.delete("/api/v1/policies/by-hand").send().await,
        Code::BuiltIn => client.delete("/api/v1/policies/canary").send().await,
        Code::ReleaseRefused => {
            client.post(RELEASES, &json!({ "service": "checkout", "version": "2.0.3" })).send().await
        }
        Code::AnnouncementRefused => {
            let elsewhere = json!({ "version": "2.1.0", "endpoints": ["http://127.0.0.1:9999"] });
            client.post("/api/v1/services/checkout/versions", &elsewhere).send().await
        }
        Code::VerbRefused => client.post(&verb("retry"), &json!({})).send().await,
        Code::Conflict => client.post(&verb("pause"), &json!({})).header("if-match", "\"0\"").send().await,
        Code::PayloadTooLarge => {
            let large = "x".repeat(2 * 1024 * 1024);
            client.call(Method::POST, RELEASES).body("application/json", &large).send().await
        }
        Code::UnsupportedMediaType => {
            client.call(Method::POST, RELEASES).body("text/plain", "{}").send().await
        }
        Code::InvalidDocument => client.post("/api/v1/apply", &json!({ "kind": "Servise" })).send().await,
        Code::IdempotencyMismatch => {
            let post = |body| client.post(&verb("pause"), &body).header("idempotency-key", "k").send();
            post(json!({ "reason": "one" })).await;
            client.post(&verb("abort"), &json!({})).header("idempotency-key", "k").send().await
        }
        Code::PreconditionRequired => client.put("/api/v1/segments/a", &json!({})).send().await,
        Code::Internal => {
            world.gateway.panics.store(true, Ordering::SeqCst);
            client.get("/readyz").send().await
        }
        Code::Unavailable => {
            world.store.crash_after(0);
            client.get(RELEASES).send().await
        }
        Code::NotRecorded => {
            world.store.fail_next(100, &StoreError::Full { folder: "/data".to_owned() });
            client.post(&verb("abort"), &json!({})).send().await
        }
        Code::DiskFull => {
            let segment =
                json!({ "kind": "Segment", "metadata": { "name": "a" }, "spec": { "match": "true" } });
            world.store.fail_next(100, &StoreError::Full { folder: "/data".to_owned() });
            client.post("/api/v1/apply", &segment).send().await
        }
    })
}

#[tokio::test]
async fn every_code_can_be_provoked() {
    for code in Code::ALL {
        if let Some(answer) = provoke(code).await {
            assert_eq!(answer.problem(), code.as_str(), "{answer}");
            assert_eq!(answer.status, code.status());
            let problem = answer.json();
            assert_eq!(problem["title"], code.title());
            assert!(!problem["detail"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_panic_is_one_answer_and_nothing_more() {
    let world = World::empty().await;
    world.gateway.panics.store(true, Ordering::SeqCst);
    let broken = world.client.get("/readyz").send().await;
    assert_eq!(broken.problem(), "internal");
    assert!(!broken.text.contains("bad time"), "the cause is for the log alone: {broken}");
    world.gateway.panics.store(false, Ordering::SeqCst);
    assert_eq!(world.client.get("/readyz").send().await.status, 200);
    let metrics = world.client.get("/metrics").send().await.text;
    assert!(metrics.contains("sluice_panics_total{part=\"server\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn what_is_damaged_inside_is_not_shown_outside() {
    let world = World::with_checkout().await;
    world.store.fail_next(1, &StoreError::Corrupt { why: "page 7 of /secret/path".to_owned() });
    let answer = world.client.post(RELEASES, &start()).send().await;
    assert_eq!(answer.problem(), "internal");
    assert!(!answer.text.contains("secret"), "{answer}");
}
