//! The log of a server: to standard error, as text or as one object a line.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::args::{Color, LogFormat};
use crate::outcome::{Exit, Failure};
use crate::terminal::Paint;

/// Begins to log what passes the filter.
///
/// # Errors
/// When the filter makes no sense.
pub(crate) fn begin(filter: &str, format: LogFormat, color: Color) -> Result<(), Failure> {
    let levels = EnvFilter::try_new(filter).map_err(|error| {
        Failure::new(Exit::Configuration, format!("--log {filter} is not a filter")).because(&error).hint(
            "write a level (error, warn, info, debug, trace), or levels by module: info,sluice_gateway=debug",
        )
    })?;
    let is_coloured = Paint::new(color, std::io::stderr().is_terminal()).is_on();
    let log = tracing_subscriber::fmt().with_env_filter(levels).with_writer(std::io::stderr);
    let begun = match format {
        LogFormat::Text => log.with_ansi(is_coloured).with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    begun.map_err(|error| Failure::new(Exit::Bug, format!("the log cannot begin: {error}")))
}
