//! `sluice rehearse`: a whole release on recorded measurements, in virtual time.

use std::path::Path;
use std::sync::Arc;

use sluice_core::Span;
use sluice_core::release::status::PhaseName;
use sluice_sim::rehearsal::{self, Among, Effect, Fault, Onset, Recording, Rehearsal, RehearsalSpec};

use crate::args::rehearse::RehearseArgs;
use crate::args::rehearse_fault::{Begins, Share};
use crate::files::Input;
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::verb::{Context, validate};

/// Rehearses a release, once or many times.
pub(crate) fn run(context: &mut Context, args: &RehearseArgs) -> Result<Exit, Failure> {
    let recording = Arc::new(match (&args.csv, &args.service) {
        (Some(path), _) => read(path)?,
        (None, Some(service)) => {
            let samples = context.client.history(service, args.environment.as_ref(), args.since)?;
            Recording::from_samples(&samples).map_err(|error| {
                let text =
                    format!("what was recorded of {service} in the last {} cannot be rehearsed", args.since);
                Failure::new(Exit::Configuration, text).because(&error)
            })?
        }
        (None, None) => {
            return Err(Failure::new(
                Exit::Configuration,
                "say what was measured: --csv FILE or --service NAME",
            ));
        }
    });
    let documents = match args.files.is_empty() {
        true => Vec::new(),
        false => validate::parse(&Input::read(&args.files)?, context.notes.paint())?,
    };
    let fault = fault(args)?;
    let mut played = Vec::new();
    for seed in args.seed..args.seed.saturating_add(args.runs) {
        let mut spec = RehearsalSpec::new(args.policy.clone(), Arc::clone(&recording));
        spec.documents.clone_from(&documents);
        spec.fault.clone_from(&fault);
        spec.seed = seed;
        let rehearsal =
            rehearsal::run(spec).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
        played.push(rehearsal);
    }
    if let [rehearsal] = &played[..] {
        if !for_programs(&mut context.out, context.common.output, rehearsal)? {
            context.out.write(&rehearsal.to_string())?;
        }
    } else if !for_programs(&mut context.out, context.common.output, &played)? {
        context.out.write(&summary(&played))?;
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Recording, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Configuration, format!("{} cannot be read", path.display())).because(&error)
    })?;
    Recording::from_csv(&text)
        .map_err(|error| Failure::new(Exit::Configuration, format!("{}: {error}", path.display())))
}

/// The fault that is asked for, if any.
fn fault(args: &RehearseArgs) -> Result<Option<Fault>, Failure> {
    let effect = match (args.errors, args.slower) {
        (Some(Share(share)), _) => Effect::Errors { share, retries: 0 },
        (None, Some(Share(more))) => Effect::Slower { factor: 1.0 + more, plus: Span::ZERO, of: 1.0 },
        (None, None) => {
            let is_shaped = args.begins.is_some()
                || args.grows.is_some()
                || args.heals.is_some()
                || args.visitors.is_some();
            return match is_shaped {
                true => {
                    Err(Failure::new(Exit::Configuration, "say which fault: --errors 5% or --slower 50%"))
                }
                false => Ok(None),
            };
        }
    };
    Ok(Some(Fault {
        among: args.visitors.map_or(Among::Everyone, |Share(share)| Among::Visitors(share)),
        from: args.begins.clone().map_or(Onset::Start, |Begins(onset)| onset),
        grows_over: args.grows.unwrap_or_default(),
        heals_after: args.heals,
        ..Fault::new(effect)
    }))
}

/// Many rehearsals in a few lines.
fn summary(played: &[Rehearsal]) -> String {
    let ended = |phase: PhaseName| played.iter().filter(|rehearsal| rehearsal.phase == phase).count();
    let mut text = format!("{} rehearsals under {}\n", played.len(), played[0].policy);
    for phase in [PhaseName::Succeeded, PhaseName::RolledBack, PhaseName::Paused, PhaseName::Progressing] {
        if ended(phase) > 0 {
            text.push_str(&format!("  {:<12} {}\n", format!("{phase:?}"), ended(phase)));
        }
    }
    let middle = |mut values: Vec<u64>| {
        values.sort_unstable();
        (values[values.len() / 2], values[values.len() - 1])
    };
    let (met, met_most) = middle(played.iter().map(|rehearsal| rehearsal.visitors_met).collect());
    let (failed, failed_most) = middle(played.iter().map(|rehearsal| rehearsal.failed).collect());
    text.push_str(&format!("  visitors who met the candidate: {met} in the middle, {met_most} at most\n"));
    text.push_str(&format!("  requests that it failed: {failed} in the middle, {failed_most} at most\n"));
    let took: Vec<u64> = played
        .iter()
        .filter_map(|rehearsal| Some(rehearsal.fault.as_ref()?.return_took?.as_millis()))
        .collect();
    if !took.is_empty() {
        let (took, most) = middle(took);
        text.push_str(&format!(
            "  from the fault until everyone was back: {} in the middle, {} at most\n",
            Span::from_millis(took),
            Span::from_millis(most)
        ));
    }
    text
}
