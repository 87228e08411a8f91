//! `sluice preview`.

use crate::args::PreviewArgs;
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::verb::Context;

/// Makes a signed header that reaches a dark version.
pub(crate) fn run(context: &mut Context, args: &PreviewArgs) -> Result<Exit, Failure> {
    let preview =
        context.client.preview(&args.service, &args.version, args.period, args.environment.as_ref())?;
    if for_programs(&mut context.out, context.common.output, &preview)? {
        return Ok(Exit::Done);
    }
    context.out.line(&format!("{}: {}", preview.header, preview.value))?;
    context.notes.line(&format!(
        "send this header to the gateway to reach {} {} until {}, as in: curl -H \"$(sluice preview {} {})\" …",
        args.service, args.version, preview.expires_at, args.service, args.version
    ))?;
    Ok(Exit::Done)
}
