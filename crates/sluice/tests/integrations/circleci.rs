//! CircleCI: an orb with a command and a job. Parameters `<< … >>` are filled in before a shell sees anything.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::step::{ACTOR, BUILD_URL, COMMIT, Given, Step, fields, filled, read, text};

/// What an orb may hold, by CircleCI's reference of reusable configuration.
const FIELDS: [&str; 8] =
    ["version", "description", "display", "orbs", "commands", "jobs", "executors", "examples"];
const TYPES: [&str; 4] = ["string", "boolean", "enum", "integer"];

/// The command's step, with parameters as a configuration gives them.
pub(crate) fn command(given: &Given<'_>) -> Step {
    run_of(&orb()["commands"]["announce"], &given.inputs())
}

/// The step that the job ends up with.
pub(crate) fn job(given: &Given<'_>) -> Step {
    let orb = orb();
    let job = &orb["jobs"]["announce"];
    let mut inputs = given.inputs();
    inputs.insert("image-with-sluice".to_owned(), "example.com/sluice:1".to_owned());
    let parameters = parameters(&job["parameters"], &inputs);
    let [image] = &job["docker"].as_array().unwrap()[..] else { panic!("one image") };
    assert_eq!(expanded(text(&image["image"], "image"), &parameters), "example.com/sluice:1");
    let [step] = &job["steps"].as_array().unwrap()[..] else { panic!("one step") };
    let handed_on = fields(&step["announce"], "announce").iter();
    let handed_on =
        handed_on.map(|(name, value)| (name.clone(), expanded(text(value, name), &parameters))).collect();
    run_of(&orb["commands"]["announce"], &handed_on)
}

fn orb() -> Value {
    let orb = read("circleci/orb.yml");
    assert_eq!(orb["version"], 2.1);
    for (name, _) in fields(&orb, "the orb") {
        assert!(FIELDS.contains(&name.as_str()), "an orb has no `{name}`");
    }
    orb
}

fn run_of(command: &Value, inputs: &BTreeMap<String, String>) -> Step {
    let parameters = parameters(&command["parameters"], inputs);
    let [step] = &command["steps"].as_array().unwrap()[..] else { panic!("one step") };
    let run = &step["run"];
    for (name, _) in fields(run, "run") {
        assert!(["name", "command", "environment"].contains(&name.as_str()), "not expected: `{name}`");
    }
    let script = text(&run["command"], "command");
    assert!(!script.contains("<<"), "what is given must not become a part of the script");
    let variables = fields(&run["environment"], "environment");
    let variables =
        variables.iter().map(|(name, value)| (name.clone(), expanded(text(value, name), &parameters)));
    let own = [("CIRCLE_SHA1", COMMIT), ("CIRCLE_USERNAME", ACTOR), ("CIRCLE_BUILD_URL", BUILD_URL)];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let shell = ["/bin/bash", "-eo", "pipefail", "-c"].map(str::to_owned).to_vec();
    Step { shell, script: script.to_owned(), variables: variables.chain(own).collect() }
}

/// The parameters: those that are given, and the defaults of the others.
fn parameters(declared: &Value, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let declared = fields(declared, "parameters");
    for name in given.keys() {
        assert!(declared.contains_key(name), "there is no parameter `{name}`");
    }
    let value = |(name, parameter): (&String, &Value)| {
        let kind = text(&parameter["type"], "type");
        assert!(TYPES.contains(&kind), "`{name}` has the type `{kind}`");
        assert_eq!(kind == "enum", parameter.get("enum").is_some(), "{name}");
        let default = parameter.get("default").map(|default| match default {
            // In an environment, a boolean is a number.
            Value::Bool(truth) => u8::from(*truth).to_string(),
            other => text(other, name).to_owned(),
        });
        let value = given.get(name).cloned().or(default);
        (name.clone(), value.unwrap_or_else(|| panic!("`{name}` is required")))
    };
    declared.iter().map(value).collect()
}

fn expanded(value: &str, parameters: &BTreeMap<String, String>) -> String {
    filled(value, "<<", ">>", |name| {
        let parameter = name.strip_prefix("parameters.").and_then(|name| parameters.get(name));
        parameter.unwrap_or_else(|| panic!("an orb does not know `{name}`")).clone()
    })
}
