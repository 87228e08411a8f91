//! Completions, schemas, and output that nobody reads to its end.

use std::process::Stdio;

use crate::world::{run, sluice};

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = run(&mut sluice(&["completions", shell]));
        assert_eq!(ended.code, 0, "{shell}: {}", ended.stderr);
        assert!(ended.stdout.contains("rollback"), "{shell} does not know the verbs");
    }
}

#[test]
fn schemas_need_no_server() {
    let ended = run(&mut sluice(&["schema", "service"]));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.json()["title"], "Sluice Service");
    assert!(run(&mut sluice(&["schema"])).json().is_object());
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let mut child = sluice(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
