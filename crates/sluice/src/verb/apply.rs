//! `sluice apply`.

use sluice_core::document::DocumentKey;
use sluice_engine::resource::ApplyAction;

use crate::args::ApplyArgs;
use crate::client::{AppliedDocument, Client, Error};
use crate::files::Input;
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::terminal::Paint;
use crate::verb::Context;

/// Creates or changes documents, all or none.
pub(crate) fn run(context: &mut Context, args: &ApplyArgs) -> Result<Exit, Failure> {
    let input = Input::read(&args.files.files)?;
    let applied = send(&context.client, &input, args.dry_run, context.notes.paint())?;
    if for_programs(&mut context.out, context.common.output, &serde_json::json!({ "results": applied }))? {
        return Ok(Exit::Done);
    }
    for document in &applied {
        let line = told(document, args.dry_run, context.out.paint());
        context.out.line(&line)?;
    }
    if applied.is_empty() {
        context.notes.line(&format!("{} has no documents; nothing was changed", input.names()))?;
    }
    Ok(Exit::Done)
}

/// Sends documents; problems come back with the place in their file.
pub(crate) fn send(
    client: &Client,
    input: &Input,
    is_dry_run: bool,
    paint: Paint,
) -> Result<Vec<AppliedDocument>, Failure> {
    client.apply(input.joined(), is_dry_run).map_err(|error| match error {
        Error::Refused(refusal) if !refusal.problems.is_empty() => input.failure(&refusal.problems, paint),
        other => Failure::from(other),
    })
}

/// `Service shop in production: created (…)`.
fn told(document: &AppliedDocument, is_dry_run: bool, paint: Paint) -> String {
    let key: DocumentKey = document.resource.key();
    let (word, would) = match document.action {
        ApplyAction::Created => (paint.green("created"), "would be created"),
        ApplyAction::Changed => (paint.yellow("changed"), "would be changed"),
        ApplyAction::Unchanged => (paint.dim("unchanged"), "would stay as it is"),
    };
    let action = if is_dry_run { would.to_owned() } else { word };
    if document.text.is_empty() {
        format!("{key}: {action}")
    } else {
        format!("{key}: {action}. {}", document.text)
    }
}
