//! `POST /api/v1/gateway/explain`

use insta::assert_snapshot;
use serde_json::json;

use crate::world::World;

const PATH: &str = "/api/v1/gateway/explain";

#[tokio::test]
async fn a_request_is_explained_by_the_gateway() {
    let world = World::with_checkout().await;
    let question = json!({ "url": "http://h/", "headers": [ { "name": "x-user-id", "value": "7" } ] });
    assert_snapshot!(world.client.post(PATH, &question).send().await);
}

#[tokio::test]
async fn a_question_without_a_request_is_refused() {
    let world = World::with_checkout().await;
    assert_snapshot!(world.client.post(PATH, &json!({ "url": "" })).send().await);
    for question in [json!({}), json!({ "url": 1 }), json!({ "url": "http://h/", "header": [] })] {
        let answer = world.client.post(PATH, &question).send().await;
        assert_eq!(answer.problem(), "bad-request", "{question}");
    }
}
