//! Releases that ask another program

use serde_json::json;
use sluice_core::release::HookAnswer;

use crate::world::World;

const ASKING: &str = "
kind: Policy
metadata: { name: asking }
spec:
  steps:
    - { name: qa, webhook: { url: \"https://qa.example.com/verdict\", every: 30s } }
    - { name: half, audience: [ { percent: 50 } ], hold: { untilPromoted: true } }
";

async fn asking(answers: impl IntoIterator<Item = HookAnswer>) -> (World, String) {
    let world = World::with_checkout().await;
    world.client.apply(ASKING).await;
    world.hooks.will_answer(answers);
    let release =
        world.start(&json!({ "service": "checkout", "version": "2.1.0", "policy": "asking" })).await;
    (world, release)
}

#[tokio::test]
async fn it_goes_on_once_the_other_program_says_that_all_is_well() {
    let garbage = HookAnswer::Taken { instead: "the answer is no JSON".to_owned() };
    let down = HookAnswer::Broken { why: "it does not answer".to_owned() };
    let busy = HookAnswer::Wait(Some("tests are running".to_owned()));
    let (world, release) = asking([garbage, down, busy, HookAnswer::Pass(None)]).await;
    world.until(&release, |status| status["gate"]["said"].to_string().contains("tests are running")).await;
    assert_eq!(world.status(&release).await["split"]["observed"]["candidate"], 0);
    world.until(&release, |status| status["split"]["observed"]["candidate"] == 50_000).await;
    let calls = world.hooks.calls();
    assert!(calls.iter().all(|call| call.url == "https://qa.example.com/verdict"), "{calls:#?}");
    assert!(calls.iter().all(|call| call.body.to_string().contains("2.1.0")), "{calls:#?}");
    assert!(calls.iter().all(|call| !call.delivery.is_empty()), "{calls:#?}");
}

#[tokio::test]
async fn it_ends_when_the_other_program_says_that_something_is_wrong() {
    let (world, release) = asking([HookAnswer::Fail(Some("12 tests failed".to_owned()))]).await;
    world.until(&release, |status| !status["finishedAt"].is_null()).await;
    let status = world.status(&release).await;
    assert!(status["reason"]["text"].as_str().unwrap().contains("12 tests failed"), "{status:#}");
    assert_eq!(status["split"]["observed"]["candidate"], 0);
}
