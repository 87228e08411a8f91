//! `GET /api/v1/version`, `/api/v1/openapi.json`, `/api/v1/schemas[/{kind}]`

use insta::assert_snapshot;

use crate::world::World;

#[tokio::test]
async fn the_version_names_the_build_and_the_gateway() {
    let world = World::empty().await;
    assert_snapshot!(world.client.get("/api/v1/version").send().await);
}

#[tokio::test]
async fn the_openapi_document_that_is_served_is_the_one_that_is_kept() {
    let world = World::empty().await;
    let served = world.client.get("/api/v1/openapi.json").send().await.json();
    assert_eq!(served, serde_json::to_value(sluice_server::openapi()).unwrap());
    assert_eq!(served["openapi"], "3.1.0");
}

#[tokio::test]
async fn each_kind_has_a_schema_that_its_documents_fit() {
    let world = World::with_checkout().await;
    let schema = world.client.get("/api/v1/schemas/Policy").send().await.json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = serde_json::json!({
        "kind": "Policy", "metadata": { "name": "p" },
        "spec": { "steps": [{ "name": "all", "audience": [{ "percent": 100 }] }] },
    });
    assert!(validator.is_valid(&good), "{:?}", validator.iter_errors(&good).next());
    let mut bad = good.clone();
    bad["spec"]["stepps"] = bad["spec"]["steps"].clone();
    assert!(!validator.is_valid(&bad));
    let any = world.client.get("/api/v1/schemas").send().await.json();
    assert!(jsonschema::validator_for(&any).unwrap().is_valid(&good));
    assert_snapshot!(world.client.get("/api/v1/schemas/policy").send().await);
}
