//! The help of every command, as people read it.

use crate::world::{run, sluice};

/// The commands that a help lists.
fn commands(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect()
}

fn visit(path: &[String], seen: &mut Vec<String>) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let ended = run(&mut sluice(&arguments));
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{path:?}");
    let name = if path.is_empty() { "help".to_owned() } else { format!("help_{}", path.join("_")) };
    insta::assert_snapshot!(name.clone(), ended.stdout);
    seen.push(name);
    for command in commands(&ended.stdout) {
        visit(&[path, &[command]].concat(), seen);
    }
}

#[test]
fn every_command_explains_itself() {
    let mut seen = Vec::new();
    visit(&[], &mut seen);
    assert!(seen.contains(&"help_release_start".to_owned()), "{seen:?}");
    assert!(!seen.contains(&"help_demo-endpoint".to_owned()), "what is not for people is not shown to them");
}

#[test]
fn it_says_its_version() {
    let ended = run(&mut sluice(&["--version"]));
    assert_eq!(ended.stdout, format!("sluice {}\n", env!("CARGO_PKG_VERSION")));
}
