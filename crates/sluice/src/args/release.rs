//! Commands about releases.

use clap::{Args, Subcommand};
use sluice_core::release::status::Verb;
use sluice_core::{Name, Span, VersionName};

use crate::args::version::pair;

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
    /// Says yes at an approval that the release waits for
    Approve(VerbArgs),
    /// Says no at an approval: everyone is taken back
    Reject(VerbArgs),
    /// Goes on in spite of a gate, a window or a freeze; takes a reason
    Override(OverrideArgs),
}

/// What somebody wants done with a release.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act<'a> {
    pub(crate) verb: Verb,
    pub(crate) release: &'a Name,
    pub(crate) reason: Option<&'a str>,
    pub(crate) stay: Stay,
}

impl ReleaseCommand {
    /// What is wanted, when the command acts on a release.
    pub(crate) fn act(&self) -> Option<Act<'_>> {
        let (verb, args) = match self {
            ReleaseCommand::Start(_) | ReleaseCommand::Status(_) | ReleaseCommand::List(_) => return None,
            ReleaseCommand::Override(args) => {
                let reason = Some(args.reason.as_str());
                return Some(Act { verb: Verb::Override, release: &args.release, reason, stay: args.stay });
            }
            ReleaseCommand::Promote(args) => (Verb::Promote, args),
            ReleaseCommand::Pause(args) => (Verb::Pause, args),
            ReleaseCommand::Resume(args) => (Verb::Resume, args),
            ReleaseCommand::Abort(args) => (Verb::Abort, args),
            ReleaseCommand::Rollback(args) => (Verb::Rollback, args),
            ReleaseCommand::Retry(args) => (Verb::Retry, args),
            ReleaseCommand::Approve(args) => (Verb::Approve, args),
            ReleaseCommand::Reject(args) => (Verb::Reject, args),
        };
        Some(Act { verb, release: &args.release, reason: args.reason.as_deref(), stay: args.stay })
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

impl Stay {
    /// Whether to stay at all.
    pub(crate) fn is_asked(self) -> bool {
        self.wait || self.watch
    }
}

/// Options of `sluice release start`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice release start checkout 2.1.0 --wait\n  \
    sluice release start checkout 2.1.0 --with payments=1.4.0 --dry-run")]
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
    /// Another service that is released together with it, and its version; may be given more than once
    #[arg(long = "with", value_name = "SERVICE=VERSION", value_parser = pair::<Name, VersionName>)]
    pub(crate) with: Vec<(Name, VersionName)>,
    /// Lets other people meet it first than in earlier releases of the same version
    #[arg(long)]
    pub(crate) reshuffle: bool,
    /// Why, in your words; kept in the event log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Why it goes ahead although the order of environments, a window or a freeze speaks against it; kept in the log
    #[arg(long = "override", value_name = "REASON")]
    pub(crate) override_reason: Option<String>,
    /// Only prints the schedule: what each step waits for, and when it begins and ends at the earliest
    #[arg(long, conflicts_with_all = ["wait", "watch", "timeout", "reason"])]
    pub(crate) dry_run: bool,
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

/// Options of `sluice release override`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sluice release override checkout-2.1.0-1 --reason \"fixes the outage of this morning\""
)]
pub(crate) struct OverrideArgs {
    /// The release
    pub(crate) release: Name,
    /// Why, in your words; kept in the event log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) stay: Stay,
}
