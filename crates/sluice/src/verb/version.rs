//! `sluice version …`: announce, list, withdraw.

use sluice_core::document::service::Build;
use sluice_core::document::service::{HostPattern, PathPrefix, RouteSpec};
use sluice_core::document::{DEFAULT_ENVIRONMENT, Kind};
use sluice_core::release::status::PhaseName;
use sluice_engine::Resource;
use sluice_engine::live::ServiceStatus;
use sluice_engine::resource::{Announced, Announcement, ApplyAction, CreateService};

use crate::args::version::{AnnounceArgs, VersionsArgs, WithdrawArgs};
use crate::args::{Output, VersionCommand};
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::show::version::table;
use crate::verb::Context;
use crate::verb::get::now;
use crate::verb::release::{introduce, see_through};

/// Runs one of them.
pub(crate) fn run(context: &mut Context, command: &VersionCommand) -> Result<Exit, Failure> {
    match command {
        VersionCommand::Announce(args) => announce(context, args),
        VersionCommand::List(args) => list(context, args),
        VersionCommand::Withdraw(args) => withdraw(context, args),
    }
}

/// Announces, tells what follows, and stays with the release when there is one and that is asked for.
fn announce(context: &mut Context, args: &AnnounceArgs) -> Result<Exit, Failure> {
    let mut announced =
        context.client.announce(&args.service, &announcement(args), args.environment.as_ref())?;
    let is_for_people = matches!(context.common.output, Output::Table | Output::Wide);
    if is_for_people {
        context.out.line(&told(&announced, args))?;
    }
    let exit = match announced.release.take() {
        None => {
            if args.stay.is_asked() {
                context.notes.line("no release has started, so there is nothing to wait for")?;
            }
            Exit::Done
        }
        Some(release) if args.stay.is_asked() => {
            let (ended, is_drawn) = see_through(context, release, args.stay)?;
            if is_for_people && !is_drawn {
                let lines = ended.lines(context.out.paint(), 0);
                context.out.write(&format!("{}\n", lines.join("\n")))?;
            }
            let exit = if ended.status.phase == PhaseName::Succeeded { Exit::Done } else { Exit::Failed };
            announced.release = Some(ended.resource);
            exit
        }
        Some(release) => {
            if is_for_people {
                introduce(context, release.clone())?;
            }
            announced.release = Some(release);
            Exit::Done
        }
    };
    for_programs(&mut context.out, context.common.output, &announced)?;
    Ok(exit)
}

fn announcement(args: &AnnounceArgs) -> Announcement {
    Announcement {
        version: args.version.clone(),
        endpoints: args.endpoints.clone(),
        needs: args.needs.iter().cloned().collect(),
        build: Build {
            commit: args.commit.clone(),
            image: args.image.clone(),
            url: args.build_url.clone(),
            config_digest: args.config_digest.clone(),
            labels: args.labels.iter().cloned().collect(),
        },
        create: args
            .create
            .then(|| CreateService { routes: routes(&args.hosts, &args.paths), ..CreateService::default() }),
        start: match (args.start, args.no_start) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        policy: args.policy.clone(),
    }
}

/// Every path on every host; without a path, all of each host.
fn routes(hosts: &[HostPattern], paths: &[PathPrefix]) -> Vec<RouteSpec> {
    let all = [PathPrefix::default()];
    let paths = if paths.is_empty() { &all[..] } else { paths };
    hosts.iter().flat_map(|host| paths.iter().map(|path| RouteSpec::at(host.clone(), path.clone()))).collect()
}

/// `checkout 2.1.0 in production: announced. …`
fn told(announced: &Announced, args: &AnnounceArgs) -> String {
    let environment =
        announced.service.metadata.environment.as_ref().map_or(DEFAULT_ENVIRONMENT, |e| e.as_str());
    let action = match announced.action {
        ApplyAction::Created => "announced",
        ApplyAction::Changed => "announced before; what is known of its build has changed",
        ApplyAction::Unchanged => "announced before; nothing has changed",
    };
    let title = format!("{} {} in {environment}: {action}", args.service, args.version);
    if announced.text.is_empty() { title } else { format!("{title}. {}", announced.text) }
}

fn status_of(service: &Resource) -> Result<ServiceStatus, Failure> {
    serde_json::from_value(service.status.clone().unwrap_or_default()).map_err(|error| {
        let name = &service.metadata.name;
        Failure::new(Exit::Unreachable, format!("the status of {name} is not one that this program knows"))
            .because(&error)
            .hint("the server may be of another version; see `sluice --version`")
    })
}

fn list(context: &mut Context, args: &VersionsArgs) -> Result<Exit, Failure> {
    let service = context.client.get(Kind::Service, &args.service, args.environment.as_ref())?;
    let status = status_of(&service)?;
    let output = context.common.output;
    if for_programs(&mut context.out, output, &serde_json::json!({ "items": status.versions }))? {
        return Ok(Exit::Done);
    }
    if status.versions.is_empty() {
        let service = &args.service;
        context.notes.line(&format!(
            "{service} has no versions yet; announce one with `sluice version announce {service} VERSION`"
        ))?;
        return Ok(Exit::Done);
    }
    let width = context.out.is_terminal().then(|| context.out.width());
    let table = table(&status, output == Output::Wide, now());
    let lines = table.lines(context.out.paint(), width.filter(|_| output == Output::Table));
    context.out.write(&format!("{}\n", lines.join("\n")))?;
    Ok(Exit::Done)
}

fn withdraw(context: &mut Context, args: &WithdrawArgs) -> Result<Exit, Failure> {
    context.client.withdraw(&args.service, &args.version, args.environment.as_ref())?;
    context.out.line(&format!("{} {}: withdrawn", args.service, args.version))?;
    Ok(Exit::Done)
}
