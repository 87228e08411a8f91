//! `sluice explain`.

use sluice_core::{Span, Timestamp};

use crate::args::explain::ExplainArgs;
use crate::outcome::{Exit, Failure};
use crate::show::for_programs;
use crate::verb::Context;

/// Says why a release is where it is, now or at a moment before.
pub(crate) fn run(context: &mut Context, args: &ExplainArgs) -> Result<Exit, Failure> {
    let mut account = context.client.explain(&args.release, args.at)?;
    if let Some(ago) = args.ago {
        // By the server's clock, which need not be that of this machine.
        account = context.client.explain(&args.release, Some(before(account.at, ago)))?;
    }
    if for_programs(&mut context.out, context.common.output, &account)? {
        return Ok(Exit::Done);
    }
    context.out.write(&account.to_string())?;
    Ok(Exit::Done)
}

fn before(now: Timestamp, ago: Span) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)))
}
