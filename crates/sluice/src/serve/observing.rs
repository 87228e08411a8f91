//! The access log and traces of the gateway, as the command line asks for them.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

use sluice_gateway::{AccessLogOptions, AccessLogTarget, TraceOptions};

use crate::args::observing::{ObservingArgs, Traces};
use crate::outcome::{Exit, Failure};

/// Standard output, as the name of a file.
const STDOUT: &str = "-";

impl ObservingArgs {
    /// Whether standard output belongs to the access log alone.
    pub(crate) fn takes_stdout(&self) -> bool {
        self.access_log.as_deref() == Some(STDOUT)
    }

    /// What becomes of traces.
    pub(crate) fn trace_options(&self) -> TraceOptions {
        match self.traces {
            Traces::Make => TraceOptions::Make { sample: self.trace_sample },
            Traces::Carry => TraceOptions::Carry,
        }
    }

    /// How the access log is written, if it is.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(crate) fn access_log_options(&self) -> Result<Option<AccessLogOptions>, Failure> {
        let Some(path) = &self.access_log else { return Ok(None) };
        let target = match self.takes_stdout() {
            true => AccessLogTarget::Stream(Arc::new(stdout().map_err(|error| {
                Failure::new(Exit::Configuration, "--access-log -: standard output cannot be written")
                    .because(&error)
            })?)),
            false => AccessLogTarget::File(PathBuf::from(path)),
        };
        Ok(Some(AccessLogOptions {
            target,
            sample: self.access_log_sample,
            slow: self.access_log_slow.as_duration(),
            redact: self.access_log_redact.clone(),
            headers: self.access_log_header.clone(),
            shows_units: self.access_log_units,
        }))
    }
}

fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}
