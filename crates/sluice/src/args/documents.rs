//! Commands about documents and what happened to them.

use std::path::PathBuf;

use clap::Args;
use sluice_core::{Name, Span, VersionName};

use crate::kind::KindArg;

/// Files with documents.
#[derive(Clone, Debug, Args)]
pub(crate) struct Files {
    /// A file, `-` for standard input, or a folder: every .yaml, .yml and .json file in it, by name. May be given
    /// more than once
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// Options of `sluice apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Only tells what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Options of `sluice diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) files: Files,
}

/// Options of `sluice validate`.
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) files: Files,
}

/// Options of `sluice get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The kind: services, segments, metrics, policies, environments or releases
    #[arg(value_enum, ignore_case = true, hide_possible_values = true)]
    pub(crate) kind: KindArg,
    /// One of them; all when absent
    pub(crate) name: Option<Name>,
    /// The environment; for one document `production` when absent, for a list every environment
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
}

/// Options of `sluice delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The kind: services, segments, metrics, policies or environments
    #[arg(value_enum, ignore_case = true, hide_possible_values = true, requires = "name")]
    pub(crate) kind: Option<KindArg>,
    /// Which one
    pub(crate) name: Option<Name>,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "NAME", conflicts_with = "files")]
    pub(crate) environment: Option<Name>,
    /// Deletes what these files name, last ones first. A file, a folder, or `-`
    #[arg(
        short,
        long = "file",
        value_name = "FILE",
        conflicts_with = "kind",
        required_unless_present = "kind"
    )]
    pub(crate) files: Vec<PathBuf>,
}

/// Options of `sluice preview`.
#[derive(Debug, Args)]
pub(crate) struct PreviewArgs {
    /// The service
    pub(crate) service: Name,
    /// The version to reach
    pub(crate) version: VersionName,
    /// For how long the header is good
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    pub(crate) period: Span,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
}

/// Options of `sluice events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Goes on with what happens, until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// How many of the last ones to begin with, at most 1000
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(crate) limit: u16,
}

/// Options of `sluice schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// The kind; one schema for all of them when absent
    #[arg(value_enum, ignore_case = true, hide_possible_values = true)]
    pub(crate) kind: Option<KindArg>,
}
