//! The command line: every command and option, defined once. Help, completions and `docs/cli.md` follow from here.

pub(crate) mod actor;
pub(crate) mod analyze;
pub(crate) mod documents;
pub(crate) mod explain;
pub(crate) mod gateway;
pub(crate) mod observing;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod rehearse;
pub(crate) mod rehearse_fault;
pub(crate) mod release;
pub(crate) mod running;
pub(crate) mod version;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use actor::ActorName;
pub(crate) use analyze::AnalyzeArgs;
pub(crate) use documents::{
    ApplyArgs, DeleteArgs, DiffArgs, EventsArgs, GetArgs, PreviewArgs, SchemaArgs, ValidateArgs,
};
pub(crate) use policy::PolicyCommand;
pub(crate) use release::{ReleaseCommand, StartArgs};
pub(crate) use running::{DemoArgs, EndpointArgs, LogFormat, ServeArgs, VisitorArgs};
pub(crate) use version::{PromoteArgs, VersionCommand};

use crate::client::address::ServerAddress;

/// Help is as plain as the rest: headings stand out, nothing else is coloured.
const STYLES: Styles =
    Styles::plain().header(AnsiColor::Green.on_default()).usage(AnsiColor::Green.on_default());

/// Releases versions safely: decides who meets a new version, watches what happens to them, and goes on, waits, or
/// takes it back.
#[derive(Debug, Parser)]
#[command(
    name = "sluice",
    version,
    styles = STYLES,
    max_term_width = 100,
    propagate_version = false,
    disable_help_subcommand = true,
    infer_subcommands = false,
    after_help = "Exit codes: 0 done; 1 the release failed or was refused; 2 usage; 3 configuration; \
                  4 server unreachable; 70 a bug in Sluice; 130 stopped watching by Ctrl-C."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Where the server is.
    #[arg(
        long,
        global = true,
        env = "SLUICE_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:7070",
        help_heading = "Common options"
    )]
    pub(crate) server: ServerAddress,
    /// Who acts, for the log and for approvals; the login name when absent
    #[arg(
        long = "as",
        global = true,
        env = "SLUICE_ACTOR",
        hide_env_values = true,
        value_name = "NAME",
        help_heading = "Common options"
    )]
    pub(crate) actor: Option<ActorName>,
    /// How to print.
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        hide_possible_values = true,
        help = "How to print: table, wide, json or yaml",
        help_heading = "Common options"
    )]
    pub(crate) output: Output,
    /// When to colour.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true,
        help = "When to colour: auto, always or never; NO_COLOR is honoured",
        help_heading = "Common options"
    )]
    pub(crate) color: Color,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Table,
    /// For people, with more columns.
    Wide,
    /// For programs.
    Json,
    /// For files.
    Yaml,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the control plane and the gateway
    Serve(Box<ServeArgs>),
    /// Plays a bad and a good release with real processes, in under a minute
    Demo(DemoArgs),
    /// Creates or changes documents, all or none
    Apply(ApplyArgs),
    /// Shows what applying documents would change
    Diff(DiffArgs),
    /// Checks documents without a server
    Validate(ValidateArgs),
    /// Shows documents and where they stand
    Get(GetArgs),
    /// Deletes documents that nothing needs
    Delete(DeleteArgs),
    /// Starts, watches and steers releases
    #[command(subcommand)]
    Release(ReleaseCommand),
    /// Foretells what a release would be able to see, and what a bad version would cost
    Plan(plan::PlanArgs),
    /// Says why a release is where it is, with all numbers, and what would change it
    Explain(explain::ExplainArgs),
    /// Plays a whole release on recorded measurements, in virtual time, with a fault if wanted
    Rehearse(rehearse::RehearseArgs),
    /// Announces, lists and withdraws versions
    #[command(subcommand)]
    Version(VersionCommand),
    /// Hands a version on from one environment to the next, and releases it there
    Promote(PromoteArgs),
    /// Shows which version is live where
    Standing,
    /// Looks for mistakes in policies before anybody meets them
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Makes a signed header that reaches a version nobody else meets
    Preview(PreviewArgs),
    /// Shows what happened
    Events(EventsArgs),
    /// Judges data of your own with the tests that releases are judged with
    Analyze(AnalyzeArgs),
    /// Tells what the gateway would do
    #[command(subcommand)]
    Gateway(gateway::GatewayCommand),
    /// Prints the JSON Schema of documents, for editors
    Schema(SchemaArgs),
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// A sample version for the demo
    #[command(hide = true)]
    DemoEndpoint(EndpointArgs),
}

#[cfg(test)]
mod reference;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
