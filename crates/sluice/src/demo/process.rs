//! Child processes that end with us.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::outcome::{Exit, Failure};

/// How long a child may take to end by itself.
const END_TIME_MAX: Duration = Duration::from_secs(5);
/// How often to look whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How much of the end of a log tells what went wrong.
const LAST_WORDS_BYTES: u64 = 2_000;

/// A child of this program: another instance of it. It ends when its standard input closes; when dropped, that is what
/// happens, and if it does not obey, it is killed.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    said: BufReader<ChildStdout>,
}

impl Process {
    /// Starts this program with other arguments. What it logs goes to `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(name: &'static str, arguments: &[String], log: PathBuf) -> Result<Process, Failure> {
        let trouble = |error: std::io::Error| {
            Failure::new(Exit::Configuration, format!("{name} cannot be started")).because(&error)
        };
        let program = std::env::current_exe().map_err(trouble)?;
        let mut child = Command::new(program)
            .args(arguments)
            // What is set for the servers of whoever runs the demo is not meant for ours.
            .env_remove("SLUICE_DATA")
            .env_remove("SLUICE_LISTEN")
            .env_remove("SLUICE_GATEWAY")
            .env_remove("SLUICE_WORKERS")
            .env_remove("SLUICE_LOG")
            .env_remove("SLUICE_LOG_FORMAT")
            .env_remove("SLUICE_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).map_err(trouble)?)
            // A group of its own: Ctrl-C is for us, and we tell the children in order.
            .process_group(0)
            .spawn()
            .map_err(trouble)?;
        let said = child.stdout.take().expect("its standard output was piped");
        Ok(Process { name, child, log, said: BufReader::new(said) })
    }

    /// The address that it says on a line that begins with `label`.
    ///
    /// # Errors
    /// When it ends before it says so.
    pub(crate) fn address(&mut self, label: &str) -> Result<String, Failure> {
        let mut line = String::new();
        while self.said.read_line(&mut line).is_ok_and(|read| read > 0) {
            if let Some(address) = line.strip_prefix(label) {
                return Ok(address.trim().to_owned());
            }
            line.clear();
        }
        Err(Failure::new(Exit::Configuration, format!("{} did not start", self.name))
            .details(self.last_words()))
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> Vec<String> {
        let read = || -> std::io::Result<String> {
            let mut log = File::open(&self.log)?;
            let length = log.metadata()?.len();
            log.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS_BYTES)))?;
            let mut text = Vec::new();
            log.read_to_end(&mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        // Without a log there is nothing to show.
        read().unwrap_or_default().lines().map(|line| format!("{}: {line}", self.name)).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + END_TIME_MAX;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                // It may have ended in this very moment, which is as good.
                drop(self.child.kill());
                drop(self.child.wait());
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
