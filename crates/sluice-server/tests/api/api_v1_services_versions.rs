//! `POST /api/v1/services/{name}/versions`, `DELETE /api/v1/services/{name}/versions/{version}`

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::client::{Answer, Call};
use crate::world::World;

const PATH: &str = "/api/v1/services/checkout/versions";

/// What a pipeline says of 2.2.0.
fn build() -> Value {
    json!({
        "version": "2.2.0",
        "endpoints": ["http://127.0.0.1:9003"],
        "build": { "commit": "c0ffee", "image": "registry.example.com/checkout:2.2.0", "labels": { "risk": "low" } },
    })
}

fn announce(world: &World, body: &Value) -> Call {
    world.client.post(PATH, body)
}

/// The names of a service's versions.
async fn versions(world: &World) -> Vec<Value> {
    let service = world.client.get("/api/v1/services/checkout").send().await.json();
    let versions = service["status"]["versions"].as_array().unwrap().clone();
    versions.into_iter().map(|version| version["name"].clone()).collect()
}

/// Lets the releases of production start by themselves.
const AUTOMATIC: &str = "
kind: Environment
metadata: { name: production }
spec:
  start: automatic
  policies:
    - { when: \"change.level == 'minor' && change.labels.risk == 'low'\", use: by-hand }
    - { use: canary }
";

#[tokio::test]
async fn an_announced_version_is_dark_and_can_be_previewed() {
    let world = World::with_checkout().await;
    let announced = announce(&world, &build()).header("x-sluice-actor", "pipeline").send().await;
    assert_snapshot!(announced);
    let preview = world.client.post("/api/v1/services/checkout/preview", &json!({ "version": "2.2.0" }));
    assert_eq!(preview.send().await.status, 200);
    let releases = world.client.get("/api/v1/releases").send().await.json();
    assert_eq!(releases["items"], json!([]), "nobody asked for a release");
}

#[tokio::test]
async fn the_same_announcement_again_changes_nothing() {
    let world = World::with_checkout().await;
    let first = announce(&world, &build()).send().await;
    assert_eq!((first.status.as_u16(), &first.json()["action"]), (201, &json!("created")), "{first}");
    let again = announce(&world, &build()).send().await;
    assert_eq!((again.status.as_u16(), &again.json()["action"]), (200, &json!("unchanged")), "{again}");
    let mut rebuilt = build();
    rebuilt["build"]["commit"] = json!("decade");
    let changed = announce(&world, &rebuilt).send().await;
    assert_eq!((changed.status.as_u16(), &changed.json()["action"]), (200, &json!("changed")), "{changed}");
    assert_eq!(versions(&world).await, ["2.0.3", "2.1.0", "2.2.0"]);
}

#[tokio::test]
async fn a_version_that_listens_elsewhere_is_refused_and_the_first_one_stays() {
    let world = World::with_checkout().await;
    announce(&world, &build()).send().await;
    let before = world.client.get("/api/v1/services/checkout").send().await.json();
    let mut elsewhere = build();
    elsewhere["endpoints"] = json!(["http://127.0.0.1:9999"]);
    assert_snapshot!(announce(&world, &elsewhere).send().await);
    assert_eq!(world.client.get("/api/v1/services/checkout").send().await.json(), before);
}

#[tokio::test]
async fn the_same_key_announces_once_and_answers_the_same() {
    let world = World::with_checkout().await;
    let keyed = |body: &Value| announce(&world, body).header("idempotency-key", "build-42");
    let first = keyed(&build()).send().await;
    let second = keyed(&build()).send().await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201), "{second}");
    assert_eq!(first.json(), second.json());
    let mut other = build();
    other["version"] = json!("2.3.0");
    assert_eq!(keyed(&other).send().await.problem(), "idempotency-mismatch");
}

#[tokio::test]
async fn a_service_that_nobody_knows_can_be_created() {
    let world = World::with_checkout().await;
    let path = "/api/v1/services/basket/versions";
    let unknown = world.client.post(path, &build()).send().await;
    assert_snapshot!("unknown", unknown);
    assert_eq!(world.client.get("/api/v1/services/basket").send().await.problem(), "not-found");
    let near = world.client.post("/api/v1/services/chekcout/versions", &build()).send().await;
    let hint = near.json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("`checkout`") && hint.contains("--create"), "{hint}");
    let mut body = build();
    body["create"] = json!({ "routes": [{ "host": "shop.example.com", "path": "/basket" }] });
    let created = world.client.post(path, &body).send().await;
    assert_snapshot!("created", created);
    let service = world.client.get("/api/v1/services/basket").send().await.json();
    assert_eq!(service["status"]["live"], "2.2.0");
}

#[tokio::test]
async fn a_service_is_not_created_on_a_route_that_another_has() {
    let world = World::with_checkout().await;
    let mut body = build();
    body["create"] = json!({ "routes": [{ "host": "shop.example.com", "path": "/checkout" }] });
    let taken = world.client.post("/api/v1/services/basket/versions", &body).send().await;
    assert_eq!(taken.problem(), "invalid-document", "{taken}");
    assert!(taken.text.contains("shop.example.com/checkout"), "{taken}");
    assert_eq!(world.client.get("/api/v1/services/basket").send().await.problem(), "not-found");
}

#[tokio::test]
async fn where_the_environment_says_so_a_release_starts_by_itself() {
    let world = World::with_checkout().await;
    world.street.make_ready("checkout", &["2.2.0"]);
    world.client.apply(AUTOMATIC).await;
    let announced = announce(&world, &build()).send().await;
    assert_eq!(announced.status, 201, "{announced}");
    let release = announced.json()["release"].clone();
    assert_eq!(
        (&release["spec"]["version"], &release["status"]["policy"]),
        (&json!("2.2.0"), &json!("by-hand"))
    );
    let name = release["metadata"]["name"].as_str().unwrap().to_owned();
    world.until(&name, |status| status["split"]["observed"]["candidate"] == 50_000).await;
    let again = announce(&world, &build()).send().await;
    assert_eq!(again.json()["release"]["metadata"]["name"], json!(name), "a second release was started");
    let all = world.client.get("/api/v1/releases").send().await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_announcement_may_say_whether_its_release_starts() {
    let world = World::with_checkout().await;
    world.client.apply(AUTOMATIC).await;
    let mut held = build();
    held["start"] = json!(false);
    assert_eq!(announce(&world, &held).send().await.json()["release"], Value::Null);
    let mut started = json!({ "version": "2.3.0", "endpoints": ["http://127.0.0.1:9004"], "start": true });
    started["policy"] = json!("blue-green");
    let answer = announce(&world, &started).send().await;
    assert_eq!(answer.json()["release"]["status"]["policy"], "blue-green", "{answer}");
}

#[tokio::test]
async fn an_announcement_that_is_not_what_it_should_be_is_refused_with_the_place() {
    let world = World::with_checkout().await;
    let place = |body: Value| {
        let call = announce(&world, &body);
        async move {
            let answer = call.send().await;
            assert_eq!(answer.problem(), "bad-request", "{answer}");
            answer.json()["detail"].as_str().unwrap().to_owned()
        }
    };
    let endpoint = place(json!({ "version": "2.2.0", "endpoints": ["127.0.0.1:9003"] })).await;
    assert!(endpoint.contains("endpoints[0]") && endpoint.contains("http://"), "{endpoint}");
    let field = place(json!({ "version": "2.2.0", "endpoint": "http://127.0.0.1:9003" })).await;
    assert!(field.contains("`endpoint`") && field.contains("`endpoints`"), "{field}");
    let name = place(json!({ "version": "2 2 0" })).await;
    assert!(name.contains("version") && name.contains("2 2 0"), "{name}");
    let need = place(json!({ "version": "2.2.0", "needs": { "payments": ">=newest" } })).await;
    assert!(need.contains("needs.payments") && need.contains(">=newest"), "{need}");
    assert_eq!(versions(&world).await, ["2.0.3", "2.1.0"]);
}

#[tokio::test]
async fn a_version_of_what_answers_requests_has_somewhere_to_send_them() {
    let world = World::with_checkout().await;
    let nowhere = announce(&world, &json!({ "version": "2.2.0" })).send().await;
    assert_eq!(nowhere.problem(), "announcement-refused", "{nowhere}");
    assert!(nowhere.text.contains("endpoint"), "{nowhere}");
    let worker = json!({ "version": "1.0.0", "create": {} });
    let created = world.client.post("/api/v1/services/mailer/versions", &worker).send().await;
    assert_eq!(created.status, 201, "what takes no requests needs no endpoint: {created}");
}

async fn withdraw(world: &World, version: &str) -> Answer {
    world.client.delete(&format!("{PATH}/{version}")).send().await
}

#[tokio::test]
async fn an_announced_version_can_be_withdrawn() {
    let world = World::with_checkout().await;
    announce(&world, &build()).send().await;
    let gone = withdraw(&world, "2.2.0").await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    assert_eq!(versions(&world).await, ["2.0.3", "2.1.0"]);
    assert_eq!(withdraw(&world, "2.2.0").await.problem(), "not-found");
    assert_eq!(withdraw(&world, "2%202").await.problem(), "bad-request");
    let elsewhere = world.client.delete("/api/v1/services/basket/versions/2.2.0").send().await;
    assert_eq!(elsewhere.problem(), "not-found");
}

#[tokio::test]
async fn what_people_have_or_a_document_declares_is_not_withdrawn() {
    let world = World::with_checkout().await;
    assert_snapshot!("declared", withdraw(&world, "2.1.0").await);
    world.street.make_ready("checkout", &["2.2.0"]);
    announce(&world, &build()).send().await;
    let body = json!({ "service": "checkout", "version": "2.2.0", "policy": "by-hand" });
    let release = world.start(&body).await;
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
    assert_snapshot!("being_released", withdraw(&world, "2.2.0").await);
    let promote = world.client.post(&format!("/api/v1/releases/{release}/promote"), &json!({}));
    assert_eq!(promote.send().await.status, 200);
    world.until(&release, |status| status["phase"] == "Succeeded").await;
    assert_eq!(withdraw(&world, "2.2.0").await.problem(), "announcement-refused");
    assert_eq!(versions(&world).await, ["2.0.3", "2.1.0", "2.2.0"]);
}
