//! `sluice schema`.

use sluice_core::document;

use crate::args::{Output, SchemaArgs};
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::verb::Context;

/// Prints a JSON Schema. It is the same without a server.
pub(crate) fn run(context: &mut Context, args: &SchemaArgs) -> Result<Exit, Failure> {
    let schema = match args.kind {
        Some(kind) => document::schema(kind.0),
        None => document::any_schema(),
    };
    let output = match context.common.output {
        Output::Yaml => Output::Yaml,
        Output::Table | Output::Wide | Output::Json => Output::Json,
    };
    for_programs(&mut context.out, output, &schema)?;
    Ok(Exit::Done)
}
