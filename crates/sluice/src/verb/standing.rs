//! `sluice standing`.

use crate::outcome::{Exit, Failure};
use crate::show::{for_programs, standing};
use crate::verb::Context;

/// Shows which version is live where, and where nothing may begin.
pub(crate) fn run(context: &mut Context) -> Result<Exit, Failure> {
    let found = context.client.standing()?;
    if for_programs(&mut context.out, context.common.output, &found)? {
        return Ok(Exit::Done);
    }
    if found.services.is_empty() {
        context.notes.line("there are no services")?;
    } else {
        let lines = standing::table(&found).lines(context.out.paint(), None);
        context.out.write(&format!("{}\n", lines.join("\n")))?;
    }
    for line in standing::closed(&found) {
        context.out.line(&context.out.paint().yellow(&line))?;
    }
    Ok(Exit::Done)
}
