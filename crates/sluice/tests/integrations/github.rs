//! GitHub: a composite action. Expressions `${{ … }}` are filled in before a shell sees anything.

use std::collections::BTreeMap;

use crate::step::{ACTOR, BUILD_URL, COMMIT, Given, Step, fields, filled, read, text};

/// What an action may say of itself, by the action's metadata syntax.
const FIELDS: [&str; 6] = ["name", "description", "author", "inputs", "outputs", "runs"];
const STEP_FIELDS: [&str; 7] = ["id", "name", "if", "shell", "env", "working-directory", "run"];

/// The step of the action, with inputs as a workflow gives them.
pub(crate) fn step(given: &Given<'_>) -> Step {
    let action = read("github-action/action.yml");
    for (name, _) in fields(&action, "the action") {
        assert!(FIELDS.contains(&name.as_str()), "an action has no `{name}`");
    }
    assert!(
        !text(&action["name"], "name").is_empty() && !text(&action["description"], "description").is_empty()
    );
    assert_eq!(action["runs"]["using"], "composite");
    let [step] = &action["runs"]["steps"].as_array().unwrap()[..] else { panic!("one step") };
    for (name, _) in fields(step, "the step") {
        assert!(STEP_FIELDS.contains(&name.as_str()), "a step has no `{name}`");
    }
    let script = text(&step["run"], "run");
    assert!(!script.contains("${{"), "what is given must not become a part of the script");
    let inputs = inputs(&action["inputs"], given);
    let variables = fields(&step["env"], "env");
    let variables = variables.iter().map(|(name, value)| {
        let value = filled(text(value, name), "${{", "}}", |expression| {
            let input = expression
                .strip_prefix("inputs.")
                .map(|name| inputs.get(name).unwrap_or_else(|| panic!("there is no input `{name}`")).clone());
            input.unwrap_or_else(|| context(expression))
        });
        (name.clone(), value)
    });
    // How a runner calls `shell: bash`, but for the file that it puts the script into.
    assert_eq!(step["shell"], "bash");
    let shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"];
    Step {
        shell: shell.map(str::to_owned).to_vec(),
        script: script.to_owned(),
        variables: variables.collect(),
    }
}

/// The inputs: those that are given, and the defaults of the others.
fn inputs(declared: &serde_json::Value, given: &Given<'_>) -> BTreeMap<String, String> {
    let declared = fields(declared, "inputs");
    let mut inputs = given.inputs();
    for name in inputs.keys() {
        assert!(declared.contains_key(name), "there is no input `{name}`");
    }
    for (name, input) in declared {
        assert!(!text(&input["description"], name).is_empty());
        if inputs.contains_key(name) {
            continue;
        }
        assert_ne!(input["required"], true, "`{name}` is required");
        let default = input.get("default").map(|default| text(default, name)).unwrap_or_default();
        inputs.insert(name.clone(), filled(default, "${{", "}}", context));
    }
    inputs
}

/// What GitHub says of the run.
fn context(expression: &str) -> String {
    match expression {
        "github.actor" => ACTOR.to_owned(),
        "github.sha" => COMMIT.to_owned(),
        "github.server_url" => "https://ci.example.com".to_owned(),
        "github.repository" => "shop/checkout".to_owned(),
        "github.run_id" => BUILD_URL.rsplit('/').next().unwrap().to_owned(),
        other => panic!("a composite action does not know `{other}`"),
    }
}
