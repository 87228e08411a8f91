//! The demo.

use std::process::Stdio;

use crate::world::{Running, run, sluice};

#[test]
fn the_story_goes_as_told_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(sluice(&["demo", "--free-ports"]).env("TMPDIR", folder.path()));
    assert_eq!(ended.code, 0, "{}", ended.shown());
    assert!(ended.stdout.contains("RolledBack") && ended.stdout.contains("Succeeded"), "{}", ended.stdout);
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "a folder was left");
}

#[test]
fn ctrl_c_ends_the_demo_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sluice(&["demo", "--free-ports"]);
    let mut demo = Running::start(command.env("TMPDIR", folder.path()).stderr(Stdio::null()));
    let dashboard = demo.line("dashboard");
    assert!(ureq::get(format!("{dashboard}/healthz")).call().is_ok());
    demo.signal(rustix::process::Signal::INT);
    demo.rest();
    assert_eq!(demo.code(), 130);
    assert!(ureq::get(format!("{dashboard}/healthz")).call().is_err(), "the server was left");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "a folder was left");
}

#[test]
fn a_demo_that_is_killed_takes_its_children_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sluice(&["demo", "--free-ports"]);
    let mut demo = Running::start(command.env("TMPDIR", folder.path()).stderr(Stdio::null()));
    let dashboard = demo.line("dashboard");
    demo.signal(rustix::process::Signal::KILL);
    crate::world::until("the server has ended", || {
        ureq::get(format!("{dashboard}/healthz")).call().is_err().then_some(())
    });
}
