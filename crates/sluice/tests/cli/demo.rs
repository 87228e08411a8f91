//! The demo.

use std::process::Stdio;

use crate::world::{Running, sluice};

#[test]
fn the_story_goes_as_told_is_kept_when_asked_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = sluice(&["demo", "--free-ports", "--keep"]);
    let mut demo = Running::start(command.env("TMPDIR", folder.path()));
    let shop = demo.line("shop");
    let told = demo.through(|line| line.starts_with("Ctrl-C ends it"));
    assert!(told.contains("Everyone is back on 2.0.3"), "{told}");
    let row = |label: &str| -> Vec<String> {
        let line =
            told.lines().find(|line| line.starts_with(label)).unwrap_or_else(|| panic!("{label}: {told}"));
        line[label.len()..]
            .split("  ")
            .map(|cell| cell.trim().to_owned())
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    assert_eq!(row("how it ended"), ["RolledBack", "Succeeded"], "{told}");
    assert_eq!(row("visitors who flipped"), ["0", "0"]);
    assert_eq!(row("visitors exposed")[1], "400 of 400");
    let answer = ureq::get(&shop).call().unwrap();
    assert_eq!(answer.headers()["x-sluice-version"], "2.1.1");
    demo.signal(rustix::process::Signal::INT);
    assert_eq!(demo.code(), 0, "{}", demo.rest());
    assert!(ureq::get(&shop).call().is_err(), "the gateway was left");
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
