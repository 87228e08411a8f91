//! `sluice validate`: the documents' own border, without a server.

use sluice_core::document::{Document, parse_yaml};

use crate::args::ValidateArgs;
use crate::client::problem::Problem;
use crate::files::Input;
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::terminal::Paint;
use crate::verb::Context;

/// Checks documents. What they name may not exist on a server; only `sluice apply --dry-run` knows that.
pub(crate) fn run(context: &mut Context, args: &ValidateArgs) -> Result<Exit, Failure> {
    let input = Input::read(&args.files.files)?;
    let documents = parse(&input, context.notes.paint())?;
    let keys: Vec<_> = documents.iter().map(Document::key).collect();
    if for_programs(&mut context.out, context.common.output, &serde_json::json!({ "documents": keys }))? {
        return Ok(Exit::Done);
    }
    for key in &keys {
        let fine = context.out.paint().green("fine");
        context.out.line(&format!("{key}: {fine}"))?;
    }
    if keys.is_empty() {
        context.notes.line(&format!("{} has no documents", input.names()))?;
    }
    Ok(Exit::Done)
}

/// Reads the documents of an input.
///
/// # Errors
/// With every problem at its place.
pub(crate) fn parse(input: &Input, paint: Paint) -> Result<Vec<Document>, Failure> {
    parse_yaml(input.joined()).map_err(|problems| {
        let problems: Vec<Problem> = problems.iter().map(Problem::from).collect();
        input.failure(&problems, paint)
    })
}
