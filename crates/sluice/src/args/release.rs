//! Commands about releases.

use clap::{Args, Subcommand};
use sluice_core::release::status::Verb;
use sluice_core::{Name, Span, VersionName};

/// `sluice release …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    /// Starts to release a version
    Start(StartArgs),
    /// Shows where a release stands
    Status(StatusArgs),
    /// Lists releases, newest first
    List(ListArgs),
    /// Goes on to the next step now; from the last step, to everyone for good
    Promote(VerbArgs),
    /// Stays where it is until somebody decides
    Pause(VerbArgs),
    /// Goes on from a pause
    Resume(VerbArgs),
    /// Takes everyone back and ends
    Abort(VerbArgs),
    /// Takes everyone back to the previous version; also after success, while it is kept
    Rollback(VerbArgs),
    /// Starts over after it was taken back
    Retry(VerbArgs),
}

impl ReleaseCommand {
    /// The verb, when it is one that acts on a release.
    pub(crate) fn verb(&self) -> Option<(Verb, &VerbArgs)> {
        match self {
            ReleaseCommand::Start(_) | ReleaseCommand::Status(_) | ReleaseCommand::List(_) => None,
            ReleaseCommand::Promote(args) => Some((Verb::Promote, args)),
            ReleaseCommand::Pause(args) => Some((Verb::Pause, args)),
            ReleaseCommand::Resume(args) => Some((Verb::Resume, args)),
            ReleaseCommand::Abort(args) => Some((Verb::Abort, args)),
            ReleaseCommand::Rollback(args) => Some((Verb::Rollback, args)),
            ReleaseCommand::Retry(args) => Some((Verb::Retry, args)),
        }
    }
}

/// How long a command stays with a release.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Stay {
    /// Waits until the release has ended; the exit code tells how
    #[arg(long)]
    pub(crate) wait: bool,
    /// Waits and shows what happens meanwhile
    #[arg(long, conflicts_with = "wait")]
    pub(crate) watch: bool,
    /// How long to wait at most; the release goes on, and the exit code is 1
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Span>,
}

/// Options of `sluice release start`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The service
    pub(crate) service: Name,
    /// The version to release
    pub(crate) version: VersionName,
    /// The policy; the environment chooses one when absent
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Option<Name>,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
    /// Lets other people meet it first than in earlier releases of the same version
    #[arg(long)]
    pub(crate) reshuffle: bool,
    /// Why, in your words; kept in the event log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) stay: Stay,
}

/// Options of `sluice release status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The release
    pub(crate) release: Name,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
    #[command(flatten)]
    pub(crate) stay: Stay,
}

/// Options of `sluice release list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this service
    pub(crate) service: Option<Name>,
    /// Only those in this environment
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
    /// Only those that are under way
    #[arg(long)]
    pub(crate) active: bool,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

/// Options of the verbs.
#[derive(Debug, Args)]
pub(crate) struct VerbArgs {
    /// The release
    pub(crate) release: Name,
    /// Why, in your words; kept in the event log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) stay: Stay,
}
