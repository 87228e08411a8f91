//! GitLab: a hidden job that others extend. Variables are the environment of the script.

use std::collections::BTreeMap;

use crate::step::{ACTOR, BUILD_URL, COMMIT, Given, Step, fields, read, text};

/// The script of a job that extends the hidden one, with a runner that uses this shell.
pub(crate) fn step(given: &Given<'_>, shell: &str) -> Step {
    let template = read("gitlab/sluice.yml");
    let jobs = fields(&template, "the template");
    assert!(jobs.keys().all(|name| name.starts_with('.')), "a template must not run by itself: {jobs:?}");
    let job = &jobs[".sluice-announce"];
    for (name, _) in fields(job, "the job") {
        assert!(["variables", "script"].contains(&name.as_str()), "not expected: `{name}`");
    }
    let own = [("CI_COMMIT_SHA", COMMIT), ("CI_PIPELINE_URL", BUILD_URL), ("GITLAB_USER_LOGIN", ACTOR)];
    let own: BTreeMap<String, String> =
        own.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    let mut variables = own.clone();
    for (name, value) in fields(&job["variables"], "variables") {
        let value = text(value, name);
        // A variable may name another one.
        let value = match value.strip_prefix('$') {
            Some(other) => own.get(other).unwrap_or_else(|| panic!("there is no ${other}")).clone(),
            None => value.to_owned(),
        };
        variables.insert(name.clone(), value);
    }
    for (name, value) in given.inputs() {
        let name = match name.as_str() {
            "server" => "SLUICE_URL".to_owned(),
            other => format!("SLUICE_{}", other.trim_start_matches("sluice-").to_uppercase()),
        };
        variables.insert(name, value);
    }
    let lines = job["script"].as_array().unwrap().iter().map(|line| text(line, "script"));
    let script = lines.collect::<Vec<_>>().join("\n");
    Step { shell: vec![shell.to_owned(), "-e".to_owned(), "-c".to_owned()], script, variables }
}
