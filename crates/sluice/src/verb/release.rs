//! `sluice release …`: start, watch, steer.

use sluice_core::document::Kind;
use sluice_core::release::status::{PhaseName, Verb};
use sluice_engine::Resource;
use sluice_engine::resource::ReleaseRequest;

use crate::args::release::{ListArgs, StatusArgs, Stay};
use crate::args::{Output, ReleaseCommand, StartArgs, VerbArgs};
use crate::client::Filter;
use crate::follow::{View, until_ended};
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::show::release::Release;
use crate::verb::Context;

/// How much of the timeline `status` shows.
const ENTRIES_SHOWN: usize = 20;

/// Runs one of them.
pub(crate) fn run(context: &mut Context, command: &ReleaseCommand) -> Result<Exit, Failure> {
    match command {
        ReleaseCommand::Start(args) => start(context, args),
        ReleaseCommand::Status(args) => status(context, args),
        ReleaseCommand::List(args) => list(context, args),
        acting => match acting.verb() {
            Some((verb, args)) => act(context, verb, args),
            None => Ok(Exit::Done),
        },
    }
}

fn start(context: &mut Context, args: &StartArgs) -> Result<Exit, Failure> {
    let request = ReleaseRequest {
        service: args.service.clone(),
        version: args.version.clone(),
        environment: args.environment.clone(),
        policy: args.policy.clone(),
        reshuffle: args.reshuffle,
    };
    let release = context.client.start_release(&request, args.reason.as_deref())?;
    conclude(context, release, args.stay, &[PhaseName::Succeeded])
}

fn status(context: &mut Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let release = context.client.get(Kind::Release, &args.release, args.environment.as_ref())?;
    if args.stay.wait || args.stay.watch {
        return conclude(context, release, args.stay, &[PhaseName::Succeeded]);
    }
    if !for_programs(&mut context.out, context.common.output, &release)? {
        let lines = Release::try_from(release)?.lines(context.out.paint(), ENTRIES_SHOWN);
        context.out.write(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(Exit::Done)
}

fn act(context: &mut Context, verb: Verb, args: &VerbArgs) -> Result<Exit, Failure> {
    let release = context.client.act(&args.release, verb, args.reason.as_deref())?;
    let wanted: &[PhaseName] = match verb {
        Verb::Abort => &[PhaseName::Aborted, PhaseName::RolledBack],
        Verb::Rollback => &[PhaseName::RolledBack],
        Verb::Promote | Verb::Pause | Verb::Resume | Verb::Retry => &[PhaseName::Succeeded],
    };
    conclude(context, release, args.stay, wanted)
}

/// Stays with the release when asked to, prints it, and tells by the exit code whether it ended as wanted.
fn conclude(
    context: &mut Context,
    release: Resource,
    stay: Stay,
    wanted: &[PhaseName],
) -> Result<Exit, Failure> {
    let is_for_people = matches!(context.common.output, Output::Table | Output::Wide);
    if !(stay.wait || stay.watch) {
        if !for_programs(&mut context.out, context.common.output, &release)? {
            let release = Release::try_from(release)?;
            let name = release.name();
            context
                .out
                .line(&format!("{name} is {:?}: {}", release.status.phase, release.status.reason.text))?;
            context.notes.line(&format!("watch it with `sluice release status {name} --watch`"))?;
        }
        return Ok(Exit::Done);
    }
    let view = if stay.watch { View::Live } else { View::Quiet };
    let screen = if stay.watch && is_for_people { &mut context.out } else { &mut context.notes };
    let is_drawn = stay.watch && screen.is_terminal();
    let ended = until_ended(&context.client, release, view, stay.timeout, screen)?;
    if !for_programs(&mut context.out, context.common.output, &ended.resource)? && !is_drawn {
        let lines = ended.lines(context.out.paint(), 0);
        context.out.write(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(if wanted.contains(&ended.status.phase) { Exit::Done } else { Exit::Failed })
}

fn list(context: &mut Context, args: &ListArgs) -> Result<Exit, Failure> {
    let filter = Filter {
        environment: args.environment.clone(),
        service: args.service.clone(),
        is_active: args.active.then_some(true),
        newest_first: true,
        limit: Some(args.limit),
    };
    let items = context.client.list(Kind::Release, &filter)?;
    crate::verb::get::print(context, Kind::Release, &items)?;
    Ok(Exit::Done)
}
