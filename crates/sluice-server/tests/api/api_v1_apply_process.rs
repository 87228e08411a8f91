//! `POST /api/v1/apply` of environments and policies that cannot be

use http::Method;
use serde_json::Value;

use crate::world::World;

fn environment(spec: &str) -> String {
    format!("kind: Environment\nmetadata: {{ name: production }}\nspec: {{ {spec} }}\n")
}

fn policy(step: &str) -> String {
    format!(
        "kind: Policy\nmetadata: {{ name: careful }}\nspec:\n  steps:\n    - {{ name: first, {step} }}\n    - {{ \
         name: all, audience: [ {{ percent: 100 }} ] }}\n"
    )
}

/// The document is refused whole, with a problem at `path` that says `said`.
#[track_caller]
fn assert_names(yaml: &str, problems: &[Value], path: &str, said: &[&str]) {
    let problem = problems.iter().find(|problem| problem["path"] == path);
    let Some(problem) = problem else { panic!("nothing is said of {path} in {yaml}: {problems:#?}") };
    let text = problem.to_string();
    for word in said {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    assert!(problem["at"]["line"].is_u64(), "it has no line: {text}");
}

async fn refused(world: &World, yaml: &str) -> Vec<Value> {
    let answer = world.client.call(Method::POST, "/api/v1/apply").body("application/yaml", yaml).send().await;
    assert_eq!(answer.problem(), "invalid-document", "{yaml}{answer}");
    answer.json()["problems"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_calendar_that_cannot_be_is_refused_with_the_place() {
    let world = World::empty().await;
    let cases = [
        ("windows: [ \"Mon-Fri 09:00-16:30 Europe/Amsterdm\" ]", "spec.windows[0]", &["Europe/Amsterd"][..]),
        ("windows: [ \"Mon-Fri 09:00-25:00\" ]", "spec.windows[0]", &["25:00"]),
        (
            "freezes: [ { from: 2027-01-02, to: 2026-12-20 } ]",
            "spec.freezes[0].to",
            &["2027-01-02", "2026-12-20"],
        ),
        ("freezes: [ { from: 2026-12-20, to: soon } ]", "spec.freezes[0].to", &["soon"]),
        (
            "freezes: [ { from: 2026-12-20, to: 2026-12-31, zone: Mars/Olympus } ]",
            "spec.freezes[0].zone",
            &["Mars/Olympus"],
        ),
    ];
    for (spec, path, said) in cases {
        let yaml = environment(spec);
        assert_names(&yaml, &refused(&world, &yaml).await, path, said);
    }
}

#[tokio::test]
async fn fields_that_do_not_exist_are_named_with_those_that_look_like_them() {
    let world = World::empty().await;
    let cases = [
        (environment("window: [ \"Mon-Fri 09:00-16:30\" ]"), "spec.window", "windows"),
        (environment("freezes: [ { from: 2026-12-20, until: 2026-12-31 } ]"), "spec.freezes[0].until", "to"),
        (environment("overide: [ leads ]"), "spec.overide", "override"),
        (policy("approval: { role: [ product ] }"), "spec.steps[0].approval.role", "roles"),
        (policy("aproval: { roles: [ product ] }"), "spec.steps[0].aproval", "approval"),
        (policy("webhook: { uri: \"https://qa.example.com\" }"), "spec.steps[0].webhook.uri", "url"),
        (policy("ramp: { from: 5, to: 50, ovr: 1h }"), "spec.steps[0].ramp.ovr", "over"),
    ];
    for (yaml, path, near) in cases {
        assert_names(&yaml, &refused(&world, &yaml).await, path, &[near]);
    }
}

#[tokio::test]
async fn a_role_that_does_not_exist_is_named() {
    let world = World::empty().await;
    let yaml = environment("roles: { leads: [ ann ] }, override: [ laeds ]");
    assert_names(&yaml, &refused(&world, &yaml).await, "spec.override[0]", &["laeds", "leads"]);
}

#[tokio::test]
async fn steps_that_contradict_each_other_are_refused() {
    let world = World::empty().await;
    let both = policy("audience: [ { percent: 5 } ], approval: { roles: [ product ] }");
    let problems = refused(&world, &both).await;
    assert!(problems.iter().any(|problem| problem.to_string().contains("approval")), "{problems:#?}");
    let down = "kind: Policy\nmetadata: { name: careful }\nspec:\n  steps:\n    - { name: up, ramp: { from: 5, to: \
                50, over: 1h } }\n    - { name: down, audience: [ { percent: 10 } ] }\n";
    let problems = refused(&world, down).await;
    assert!(problems.iter().any(|problem| problem.to_string().contains("down")), "{problems:#?}");
}

#[tokio::test]
async fn environments_do_not_come_after_each_other_in_a_circle() {
    let world = World::empty().await;
    let yaml = "kind: Environment\nmetadata: { name: staging }\nspec: { after: production }\n---\nkind: \
                Environment\nmetadata: { name: production }\nspec: { after: staging }\n";
    let problems = refused(&world, yaml).await;
    let text = problems.iter().map(Value::to_string).collect::<String>();
    assert!(text.contains("production") && text.contains("staging"), "{text}");
    let nowhere = refused(&world, &environment("after: stagin")).await;
    assert!(nowhere.iter().any(|problem| problem["path"] == "spec.after"), "{nowhere:#?}");
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_is_changed() {
    let world = World::empty().await;
    let yaml = environment(
        "windows: [ \"Mon-Fri 09:00-16:30 Nowhere/City\" ], freezes: [ { from: 2027-01-02, to: 2026-12-20 } ], startt: \
         automatic",
    );
    let problems = refused(&world, &yaml).await;
    let paths: Vec<&str> = problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect();
    for path in ["spec.windows[0]", "spec.freezes[0].to", "spec.startt"] {
        assert!(paths.contains(&path), "{path} is not among {paths:?}");
    }
    let now = world.client.get("/api/v1/environments/production").send().await.json();
    assert_eq!(now["metadata"]["labels"]["sluice.dev/built-in"], "true");
}
