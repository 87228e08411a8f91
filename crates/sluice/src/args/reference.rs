//! `docs/cli.md`: the command line as a page, made from the same definitions as the help.

use std::fmt::Write;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md");

const HEAD: &str = "# The command line

Made from the program's own definitions by `SLUICE_UPDATE=1 cargo test -p sluice reference`; a test fails when this page
is out of step. `sluice COMMAND --help` tells the same.

Data goes to standard output, everything else to standard error.

| exit code | meaning |
|---|---|
| 0 | done; with `--wait` and `--watch`: the release succeeded |
| 1 | the release failed, was taken back or is not over in time; or the server refused |
| 2 | the command line makes no sense |
| 3 | a document or a setting is wrong, or the machine does not let it be so |
| 4 | the server cannot be reached |
| 70 | a bug in Sluice |
| 130 | Ctrl-C stopped the watching, not the release |
";

/// A page with every command that is shown to people.
fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut cli = Cli::command();
    cli.build();
    let common: Vec<&Arg> = cli.get_arguments().filter(|argument| argument.is_global_set()).collect();
    page.push_str("\n## Options of every command\n");
    arguments(&mut page, common.iter().copied());
    for command in cli.get_subcommands() {
        describe(&mut page, command, &["sluice"]);
    }
    page
}

fn describe(page: &mut String, command: &Command, before: &[&str]) {
    if command.is_hide_set() {
        return;
    }
    let path = [before, &[command.get_name()]].concat();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    // Writing into a string cannot fail.
    let _written = write!(page, "\n## `{}`\n\n{about}.\n", path.join(" "));
    let positional: Vec<String> = command
        .get_positionals()
        .map(|argument| {
            let name = argument.get_id().as_str().to_uppercase();
            if argument.is_required_set() { name } else { format!("[{name}]") }
        })
        .collect();
    if !command.has_subcommands() {
        let usage = [&[path.join(" ")], &positional[..]].concat().join(" ");
        let _written = write!(page, "\n```\n{usage} [OPTIONS]\n```\n");
        let own = command
            .get_arguments()
            .filter(|a| !a.is_global_set() && !a.is_hide_set() && a.get_id() != "help");
        arguments(page, own);
    }
    for inner in command.get_subcommands() {
        describe(page, inner, &path);
    }
}

fn arguments<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let rows: Vec<String> = arguments.map(row).collect();
    if !rows.is_empty() {
        let _written = write!(page, "\n| | |\n|---|---|\n{}\n", rows.join("\n"));
    }
}

fn row(argument: &Arg) -> String {
    let value = argument.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
    let takes_value = argument.get_action().takes_values();
    let name = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        _ => argument.get_id().as_str().to_uppercase(),
    };
    let name = if takes_value && !argument.is_positional() { format!("{name} {value}") } else { name };
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    if let Some(variable) = argument.get_env() {
        let _written = write!(help, " (or `{}`)", variable.to_string_lossy());
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value && !defaults.is_empty() {
        let _written = write!(help, ". Default `{}`", defaults.join(" "));
    }
    format!("| `{name}` | {help} |")
}

#[test]
fn the_page_is_in_step() {
    let page = page();
    if std::env::var_os("SLUICE_UPDATE").is_some() {
        std::fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        std::fs::write(FILE, &page).unwrap();
    }
    let written = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == page,
        "docs/cli.md is out of step: run SLUICE_UPDATE=1 cargo test -p sluice reference"
    );
}
