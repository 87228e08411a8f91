//! What `sluice explain` is told.

use clap::Args;
use sluice_core::{Name, Span, Timestamp};

/// Explains a release.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice explain checkout-2.1.0-1\n  \
    sluice explain checkout-2.1.0-1 --ago 10m\n  \
    sluice explain checkout-2.1.0-1 --at 2026-11-23T10:15:00Z -o json")]
pub(crate) struct ExplainArgs {
    /// The release
    #[arg(value_name = "RELEASE")]
    pub(crate) release: Name,
    /// As it stood at this moment
    #[arg(long, value_name = "TIME", conflicts_with = "ago")]
    pub(crate) at: Option<Timestamp>,
    /// As it stood so long ago
    #[arg(long, value_name = "SPAN")]
    pub(crate) ago: Option<Span>,
}
