//! `sluice get`.

use std::time::{SystemTime, UNIX_EPOCH};

use sluice_core::Timestamp;
use sluice_core::document::Kind;
use sluice_engine::Resource;

use crate::args::{GetArgs, Output};
use crate::client::Filter;
use crate::outcome::{Exit, Failure};
use crate::show::{for_programs, kinds};
use crate::verb::Context;

/// Shows one document, or all of a kind.
pub(crate) fn run(context: &mut Context, args: &GetArgs) -> Result<Exit, Failure> {
    let kind = args.kind.0;
    match &args.name {
        Some(name) => {
            let environment = args.environment.as_ref().filter(|_| kind.has_environment());
            let resource = context.client.get(kind, name, environment)?;
            if !for_programs(&mut context.out, context.common.output, &resource)? {
                print(context, kind, &[resource])?;
            }
        }
        None => {
            let filter = Filter { environment: args.environment.clone(), ..Filter::default() };
            let items = context.client.list(kind, &filter)?;
            print(context, kind, &items)?;
        }
    }
    Ok(Exit::Done)
}

/// Prints documents of one kind: `{"items": [...]}` to programs, a table to people.
pub(crate) fn print(context: &mut Context, kind: Kind, items: &[Resource]) -> Result<(), Failure> {
    let output = context.common.output;
    if for_programs(&mut context.out, output, &serde_json::json!({ "items": items }))? {
        return Ok(());
    }
    if items.is_empty() {
        return context.notes.line(&format!("there are no {}", kind.plural()));
    }
    let table = kinds::table(kind, items, output == Output::Wide, now());
    let width = context.out.is_terminal().then(|| context.out.width());
    let lines = table.lines(context.out.paint(), width.filter(|_| output == Output::Table));
    context.out.write(&format!("{}\n", lines.join("\n")))
}

/// The time.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
