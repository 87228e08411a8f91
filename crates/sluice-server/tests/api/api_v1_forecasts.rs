//! `POST /api/v1/forecasts`

use serde_json::json;

use crate::world::World;

const PATH: &str = "/api/v1/forecasts";

#[tokio::test]
async fn a_forecast_tells_what_each_step_could_see_and_starts_nothing() {
    let world = World::with_checkout().await;
    let body = json!({
        "service": "checkout", "version": "2.1.0", "policy": "canary",
        "traffic": { "rate": 50, "errors": 0.002, "p95": 300 }, "assumed": { "failures": { "share": 0.2 } }
    });
    let forecast = world.client.post(PATH, &body).send().await.json();
    assert_eq!(forecast["policy"], "canary");
    assert_eq!(forecast["traffic"]["rate"], json!({ "value": 50.0, "origin": "given" }));
    assert_eq!(forecast["traffic"]["visitors"]["origin"], "assumed");
    assert_eq!(forecast["traffic"]["latency"]["p95"], 300.0);
    assert_eq!(forecast["steps"].as_array().unwrap().len(), 5, "{forecast}");
    assert_eq!(forecast["failing"]["bad"], json!({ "failures": 0.2 }));
    assert_eq!(forecast["failing"]["step"], "first");
    assert_eq!(forecast["never"], json!([]));
    let releases = world.client.get("/api/v1/releases").send().await.json();
    assert_eq!(releases["items"], json!([]));
}

#[tokio::test]
async fn without_traffic_it_says_that_nothing_can_be_proved() {
    let world = World::with_checkout().await;
    let body = json!({ "service": "checkout", "policy": "canary" });
    let forecast = world.client.post(PATH, &body).send().await.json();
    assert_eq!(forecast["traffic"]["rate"], json!({ "value": 0.0, "origin": "live" }));
    assert_eq!(forecast["failing"]["foundAfter"], json!(null));
    let codes: Vec<_> =
        forecast["never"].as_array().unwrap().iter().map(|never| never["doubt"]["code"].clone()).collect();
    assert_eq!(codes, vec!["no-traffic"; 4]);
}

#[tokio::test]
async fn the_environment_chooses_the_policy_and_the_version_need_not_exist() {
    let world = World::with_checkout().await;
    world
        .client
        .apply(
            "
kind: Environment
metadata: { name: production }
spec: { policies: [ { when: \"change.level == 'patch'\", use: hotfix }, { use: ramp } ] }
",
        )
        .await;
    for (version, policy) in [("2.0.4", "hotfix"), ("3.0.0", "ramp")] {
        let body = json!({ "service": "checkout", "version": version, "traffic": { "rate": 20 } });
        let forecast = world.client.post(PATH, &body).send().await.json();
        assert_eq!(forecast["policy"], policy, "{version}");
    }
}

#[tokio::test]
async fn what_does_not_exist_and_figures_that_cannot_be_are_refused() {
    let world = World::with_checkout().await;
    for (body, problem) in [
        (json!({ "service": "chekcout" }), "not-found"),
        (json!({ "service": "checkout", "policy": "canray" }), "not-found"),
        (json!({ "service": "checkout", "traffic": { "rate": -1 } }), "bad-request"),
        (json!({ "service": "checkout", "traffic": { "errors": 1.5 } }), "bad-request"),
        (json!({ "service": "checkout", "assumed": { "failures": { "share": 5 } } }), "bad-request"),
        (json!({ "service": "checkout", "traffic": { "requests": 1 } }), "bad-request"),
    ] {
        assert_eq!(world.client.post(PATH, &body).send().await.problem(), problem, "{body}");
    }
}
