//! Commands about policies.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sluice_core::Name;

/// `sluice policy …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Looks for mistakes: checks that can never fail, holds that no traffic fills, steps that go down
    Lint(LintArgs),
}

/// Options of `sluice policy lint`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice policy lint -f policies/            before they are applied, beside what is on the server\n  \
    sluice policy lint -f policies/ --offline  without a server\n  \
    sluice policy lint                         those that are applied\n\n\
    The exit code is 1 when there is an error; with --strict, when there is anything.")]
pub(crate) struct LintArgs {
    /// One policy on the server, also a built-in one; all that are applied when absent
    #[arg(conflicts_with = "files")]
    pub(crate) name: Option<Name>,
    /// The policies in these files, beside what is applied: a file, a folder, or `-`. May be given more than once
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Asks no server: only what the files and the built-in documents tell is known then
    #[arg(long, requires = "files")]
    pub(crate) offline: bool,
    /// Anything found is an error
    #[arg(long)]
    pub(crate) strict: bool,
}
