//! `sluice delete`.

use sluice_core::Name;
use sluice_core::document::{DEFAULT_ENVIRONMENT, DocumentKey};

use crate::args::DeleteArgs;
use crate::files::Input;
use crate::outcome::{Exit, Failure};
use crate::verb::Context;

/// Deletes one document, or those that files name.
pub(crate) fn run(context: &mut Context, args: &DeleteArgs) -> Result<Exit, Failure> {
    for key in keys(context, args)? {
        context.client.delete(&key)?;
        context.out.line(&format!("{key}: deleted"))?;
    }
    Ok(Exit::Done)
}

fn keys(context: &Context, args: &DeleteArgs) -> Result<Vec<DocumentKey>, Failure> {
    if let (Some(kind), Some(name)) = (args.kind, &args.name) {
        let environment = kind.0.has_environment().then(|| environment_or_default(args.environment.as_ref()));
        return Ok(vec![DocumentKey { kind: kind.0, environment, name: name.clone() }]);
    }
    let input = Input::read(&args.files)?;
    let documents = super::validate::parse(&input, context.notes.paint())?;
    // Later documents may need earlier ones, so the last go first.
    Ok(documents.iter().rev().map(|document| document.key()).collect())
}

fn environment_or_default(given: Option<&Name>) -> Name {
    given.cloned().unwrap_or_else(|| DEFAULT_ENVIRONMENT.parse().expect("the default environment is a name"))
}
