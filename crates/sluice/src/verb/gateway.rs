//! `sluice gateway …`.

use sluice_core::routing::explain::{HeaderLine, Question};

use crate::args::gateway::{ExplainArgs, GatewayCommand};
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::verb::Context;

/// Runs one of the commands.
pub(crate) fn run(context: &mut Context, command: &GatewayCommand) -> Result<Exit, Failure> {
    match command {
        GatewayCommand::Explain(args) => explain(context, args),
    }
}

/// Tells which version a request would get.
fn explain(context: &mut Context, args: &ExplainArgs) -> Result<Exit, Failure> {
    let explanation = context.client.explain_request(&question(args))?;
    if !for_programs(&mut context.out, context.common.output, &explanation)? {
        context.out.write(&explanation.to_string())?;
    }
    Ok(if explanation.refusal.is_some() { Exit::Failed } else { Exit::Done })
}

fn question(args: &ExplainArgs) -> Question {
    let mut headers = args.headers.clone();
    if !args.cookies.is_empty() {
        // As browsers send them: on one line.
        headers.push(HeaderLine { name: "cookie".to_owned(), value: args.cookies.join("; ") });
    }
    Question { method: args.method.clone(), url: args.url.clone(), headers }
}
