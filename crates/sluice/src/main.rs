//! The one binary: server, demo, and the client verbs.
//!
//! Only this crate reads arguments and the environment, or prints. It is also the only place where the engine meets
//! its store and its gateway; the parts themselves know nothing of each other.

mod args;
mod client;
mod demo;
mod files;
mod follow;
mod interrupt;
mod kind;
mod outcome;
mod serve;
mod show;
mod terminal;
mod verb;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Color, Command};
use outcome::{Exit, Failure};
use terminal::Screen;
use verb::Context;

/// The system's allocator keeps memory that was used once by many threads; this one gives it back and is faster for
/// many small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let color = cli.common.color;
    // A panic that reaches this point is a bug: the hook has told where, the exit code tells scripts.
    let ended = std::panic::catch_unwind(|| run(cli));
    let exit = match ended {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => report(&failure, color),
        Err(_) => report(
            &Failure::new(Exit::Bug, "this is a bug in Sluice")
                .hint("please report it, with the lines above and what you did"),
            color,
        ),
    };
    exit.into()
}

fn report(failure: &Failure, color: Color) -> Exit {
    let paint = Screen::stderr(color).paint();
    // When standard error is closed too, the exit code is all that is left to tell.
    drop(failure.report(&mut std::io::stderr(), paint));
    failure.exit()
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let common = cli.common;
    let mut context = Context::new(common);
    let context = &mut context;
    match &cli.command {
        Command::Apply(args) => verb::apply::run(context, args),
        Command::Diff(args) => verb::diff::run(context, args),
        Command::Validate(args) => verb::validate::run(context, args),
        Command::Get(args) => verb::get::run(context, args),
        Command::Delete(args) => verb::delete::run(context, args),
        Command::Release(command) => verb::release::run(context, command),
        Command::Plan(args) => verb::plan::run(context, args),
        Command::Explain(args) => verb::explain::run(context, args),
        Command::Rehearse(args) => verb::rehearse::run(context, args),
        Command::Version(command) => verb::version::run(context, command),
        Command::Promote(args) => verb::promote::run(context, args),
        Command::Standing => verb::standing::run(context),
        Command::Policy(command) => verb::policy::run(context, command),
        Command::Preview(args) => verb::preview::run(context, args),
        Command::Events(args) => verb::events::run(context, args),
        Command::Gateway(command) => verb::gateway::run(context, command),
        Command::Completions { shell } => completions(context, *shell),
        Command::Analyze(args) => verb::analyze::run(args),
        Command::Schema(args) => verb::schema::run(context, args),
        Command::Serve(args) => serve::run(args, context.common.color),
        Command::Demo(args) => demo::run(args, &context.common),
        Command::DemoEndpoint(args) => demo::endpoint::run(args, &mut context.out),
    }
}

fn completions(context: &mut Context, shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sluice", &mut script);
    context.out.write(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
