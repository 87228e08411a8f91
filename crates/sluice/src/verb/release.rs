//! `sluice release …`: start, watch, steer.

use sluice_core::document::Kind;
use sluice_core::document::release::ServiceVersion;
use sluice_core::release::status::{PhaseName, Verb};
use sluice_engine::Resource;
use sluice_engine::resource::ReleaseRequest;

use crate::args::release::{Act, ListArgs, StatusArgs, Stay};
use crate::args::{Output, ReleaseCommand, StartArgs};
use crate::client::Filter;
use crate::follow::{View, until_ended};
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::show::release::Release;
use crate::show::schedule::{self, Schedule};
use crate::verb::Context;

/// How much of the timeline `status` shows.
const ENTRIES_SHOWN: usize = 20;

/// Runs one of them.
pub(crate) fn run(context: &mut Context, command: &ReleaseCommand) -> Result<Exit, Failure> {
    match command {
        ReleaseCommand::Start(args) => start(context, args),
        ReleaseCommand::Status(args) => status(context, args),
        ReleaseCommand::List(args) => list(context, args),
        acting => acting.act().map_or(Ok(Exit::Done), |wanted| act(context, wanted)),
    }
}

fn start(context: &mut Context, args: &StartArgs) -> Result<Exit, Failure> {
    let request = ReleaseRequest {
        service: args.service.clone(),
        version: args.version.clone(),
        environment: args.environment.clone(),
        policy: args.policy.clone(),
        with: args
            .with
            .iter()
            .map(|(service, version)| ServiceVersion { service: service.clone(), version: version.clone() })
            .collect(),
        reshuffle: args.reshuffle,
        override_reason: args.override_reason.clone(),
    };
    if args.dry_run {
        return foresee(context, &request);
    }
    let release = context.client.start_release(&request, args.reason.as_deref())?;
    conclude(context, release, args.stay, &[PhaseName::Succeeded])
}

fn status(context: &mut Context, args: &StatusArgs) -> Result<Exit, Failure> {
    let release = context.client.get(Kind::Release, &args.release, args.environment.as_ref())?;
    if args.stay.is_asked() {
        return conclude(context, release, args.stay, &[PhaseName::Succeeded]);
    }
    if !for_programs(&mut context.out, context.common.output, &release)? {
        let lines = Release::try_from(release)?.lines(context.out.paint(), ENTRIES_SHOWN);
        context.out.write(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(Exit::Done)
}

/// Prints what the release would do, and does not start it.
fn foresee(context: &mut Context, request: &ReleaseRequest) -> Result<Exit, Failure> {
    let schedule = context.client.schedule(request)?;
    if !for_programs(&mut context.out, context.common.output, &schedule)? {
        let schedule: Schedule = serde_json::from_value(schedule).map_err(|error| {
            Failure::new(Exit::Unreachable, "the schedule is not one that this program knows")
                .because(&error)
                .hint("the server may be of another version; see `sluice --version`")
        })?;
        let lines = schedule::lines(&schedule, context.out.paint());
        context.out.write(&format!("{}\n", lines.join("\n")))?;
        context.notes.line("nothing was started")?;
    }
    Ok(Exit::Done)
}

fn act(context: &mut Context, act: Act<'_>) -> Result<Exit, Failure> {
    let release = context.client.act(act.release, act.verb, act.reason)?;
    let wanted: &[PhaseName] = match act.verb {
        Verb::Abort => &[PhaseName::Aborted, PhaseName::RolledBack],
        Verb::Rollback | Verb::Reject => &[PhaseName::RolledBack],
        Verb::Promote | Verb::Pause | Verb::Resume | Verb::Retry | Verb::Approve | Verb::Override => {
            &[PhaseName::Succeeded]
        }
    };
    conclude(context, release, act.stay, wanted)
}

/// Stays with the release when asked to, prints it, and tells by the exit code whether it ended as wanted.
pub(crate) fn conclude(
    context: &mut Context,
    release: Resource,
    stay: Stay,
    wanted: &[PhaseName],
) -> Result<Exit, Failure> {
    if !stay.is_asked() {
        if !for_programs(&mut context.out, context.common.output, &release)? {
            introduce(context, release)?;
        }
        return Ok(Exit::Done);
    }
    let (ended, is_drawn) = see_through(context, release, stay)?;
    if !for_programs(&mut context.out, context.common.output, &ended.resource)? && !is_drawn {
        let lines = ended.lines(context.out.paint(), 0);
        context.out.write(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(if wanted.contains(&ended.status.phase) { Exit::Done } else { Exit::Failed })
}

/// Tells where a release stands, in a line, and how to go on.
pub(crate) fn introduce(context: &mut Context, release: Resource) -> Result<(), Failure> {
    let release = Release::try_from(release)?;
    let (name, status) = (release.name(), &release.status);
    context.out.line(&format!("{name} is {:?}: {}", status.phase, status.reason.text))?;
    let next = release.next_command().unwrap_or_else(|| format!("sluice release status {name} --watch"));
    let verb = if release.next_command().is_some() { "go on" } else { "watch it" };
    context.notes.line(&format!("{verb} with `{next}`"))
}

/// Waits until the release has ended, showing what happens when that is asked for. Also answers whether its last
/// picture is on the screen.
pub(crate) fn see_through(
    context: &mut Context,
    release: Resource,
    stay: Stay,
) -> Result<(Release, bool), Failure> {
    let is_for_people = matches!(context.common.output, Output::Table | Output::Wide);
    let view = if stay.watch { View::Live } else { View::Quiet };
    let screen = if stay.watch && is_for_people { &mut context.out } else { &mut context.notes };
    let is_drawn = stay.watch && screen.is_terminal();
    let ended = until_ended(&context.client, release, view, stay.timeout, screen)?;
    Ok((ended, is_drawn))
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
