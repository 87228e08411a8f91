//! What `sluice rehearse` is told.

use std::path::PathBuf;

use clap::Args;
use sluice_core::{Name, Span};

use super::rehearse_fault::{Begins, Share};

/// Rehearses a release.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice rehearse --csv monday.csv\n  \
    sluice rehearse --csv monday.csv --policy careful -f policies/ --errors 5% --begins 20m\n  \
    sluice rehearse --service checkout --since 3h --slower 50% --runs 20\n\n\
    A CSV has the columns time, requests, failed, and any of version, cancelled, visitors, p50, p95, p99 (ms); \
    docs/rehearse.md says more.")]
pub(crate) struct RehearseArgs {
    /// The policy: a built-in one, or one in the files
    #[arg(long, value_name = "POLICY", default_value = "canary")]
    pub(crate) policy: Name,
    /// Policies and metrics that are not built in: a file, a folder, or `-`
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What was measured, as a table
    #[arg(long, value_name = "FILE", required_unless_present = "service", conflicts_with = "service")]
    pub(crate) csv: Option<PathBuf>,
    /// What the server has recorded of this service
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<Name>,
    /// The service's environment
    #[arg(long, value_name = "ENVIRONMENT", requires = "service")]
    pub(crate) environment: Option<Name>,
    /// How far back, on the server
    #[arg(long, value_name = "SPAN", default_value = "3h", requires = "service")]
    pub(crate) since: Span,
    /// Injects a fault: this part of the candidate's requests fails
    #[arg(long, value_name = "PERCENT", conflicts_with = "slower")]
    pub(crate) errors: Option<Share>,
    /// Injects a fault: the candidate takes so much longer
    #[arg(long, value_name = "PERCENT")]
    pub(crate) slower: Option<Share>,
    /// When the fault begins: a time after anybody first meets the candidate (20m), a share of traffic (25%), or a
    /// step (step:half)
    #[arg(long, value_name = "WHEN")]
    pub(crate) begins: Option<Begins>,
    /// How long the fault takes to grow to all of it
    #[arg(long, value_name = "SPAN")]
    pub(crate) grows: Option<Span>,
    /// After what time the fault is over
    #[arg(long, value_name = "SPAN")]
    pub(crate) heals: Option<Span>,
    /// Only this part of visitors is hit by the fault, always the same ones
    #[arg(long, value_name = "PERCENT")]
    pub(crate) visitors: Option<Share>,
    /// Chance: the same seed gives the same rehearsal
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How often it is rehearsed, with seeds that count up
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) runs: u64,
}
