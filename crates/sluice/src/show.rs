//! How things are shown: to people as tables and plain sentences, to programs as JSON or YAML.

pub(crate) mod kinds;
pub(crate) mod release;
pub(crate) mod schedule;
pub(crate) mod standing;
pub(crate) mod table;
pub(crate) mod version;
pub(crate) mod yaml;

use serde::Serialize;

use crate::args::Output;
use crate::outcome::{Exit, Failure};
use crate::terminal::Screen;

/// Prints data for programs; `false` when people are to read it, and nothing was printed.
pub(crate) fn for_programs(
    screen: &mut Screen,
    output: Output,
    data: &impl Serialize,
) -> Result<bool, Failure> {
    let unprintable =
        |error: serde_json::Error| Failure::new(Exit::Bug, "the answer cannot be printed").because(&error);
    match output {
        Output::Table | Output::Wide => Ok(false),
        Output::Json => {
            let text = serde_json::to_string_pretty(data).map_err(unprintable)?;
            screen.line(&text)?;
            Ok(true)
        }
        Output::Yaml => {
            let value = serde_json::to_value(data).map_err(unprintable)?;
            screen.write(&yaml::text_of(&value))?;
            Ok(true)
        }
    }
}
