//! The thread that writes the access log.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::{AccessLog, Lines};
use crate::options::AccessLogTarget;

/// How often the file is looked for under its name, and a failure is told.
const LOOK_TIME: Duration = Duration::from_secs(1);
const TELL_TIME: Duration = Duration::from_secs(60);

/// Where lines go, opened.
#[derive(Debug)]
pub(super) struct Opened {
    file: Arc<File>,
    /// Where it is found again after it was moved away; none for a stream.
    path: Option<PathBuf>,
    looked: Instant,
    told: Option<Instant>,
    /// A line was written in part: the next begins on its own.
    is_torn: bool,
}

impl Opened {
    /// Opens the target, to write at its end.
    pub(super) fn open(target: &AccessLogTarget) -> io::Result<Opened> {
        let (file, path) = match target {
            AccessLogTarget::File(path) => (Arc::new(open(path)?), Some(path.clone())),
            AccessLogTarget::Stream(file) => (Arc::clone(file), None),
        };
        Ok(Opened { file, path, looked: Instant::now(), told: None, is_torn: false })
    }

    /// Writes until nobody hands on lines any more.
    pub(super) fn write_all(mut self, log: &AccessLog, lines: &Receiver<Lines>) {
        while let Ok(Lines { bytes, count }) = lines.recv() {
            match self.write(&bytes) {
                Ok(()) => log.written.fetch_add(count, Relaxed),
                Err(error) => {
                    self.tell(&error);
                    log.dropped.fetch_add(count, Relaxed)
                }
            };
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.follow();
        let mut file = &*self.file;
        if self.is_torn {
            file.write_all(b"\n")?;
            self.is_torn = false;
        }
        file.write_all(bytes).inspect_err(|_| self.is_torn = true)
    }

    /// Opens the file anew when another, or none, has its name: it was moved away to be kept.
    fn follow(&mut self) {
        let Some(path) = self.path.as_deref().filter(|_| self.looked.elapsed() >= LOOK_TIME) else { return };
        self.looked = Instant::now();
        let same = |one: &std::fs::Metadata, other: &std::fs::Metadata| {
            (one.dev(), one.ino()) == (other.dev(), other.ino())
        };
        let there = std::fs::metadata(path);
        if let (Ok(there), Ok(ours)) = (&there, self.file.metadata())
            && same(there, &ours)
        {
            return;
        }
        match open(path) {
            Ok(file) => {
                self.file = Arc::new(file);
                self.is_torn = false;
            }
            // What is moved away can still be written to.
            Err(error) => self.tell(&error),
        }
    }

    fn tell(&mut self, error: &io::Error) {
        if self.told.is_none_or(|told| told.elapsed() >= TELL_TIME) {
            self.told = Some(Instant::now());
            let path = self.path.as_deref().unwrap_or(Path::new("-"));
            tracing::warn!(%error, path = %path.display(), "The access log cannot be written; lines are lost");
        }
    }
}

/// Only the owner and the group may read it: it says who came from where.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}
