//! The data folder, and the lock that keeps other processes out of it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::OpenError;

/// The file that is locked. It stays when the lock goes: removing it would let two processes lock two files.
const LOCK_FILE: &str = "sluice.lock";

/// Makes the folder, for its owner only, if it does not exist, so that it survives a crash of the machine.
pub(crate) fn create(folder: &Path) -> Result<(), OpenError> {
    let run = || {
        let missing: Vec<&Path> = folder.ancestors().take_while(|path| !is_there(path)).collect();
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        for path in missing {
            // A name is kept by the folder it is in.
            sync(path.parent().unwrap_or(path))?;
        }
        Ok(())
    };
    run().map_err(|source| fail(folder, source))
}

/// The last ancestor of a relative path is empty and means the working folder.
fn is_there(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.exists()
}

fn sync(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Makes an empty file for its owner only, if it does not exist, so that its name survives a crash of the machine.
pub(crate) fn create_file(folder: &Path, file: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => sync(folder).map_err(|source| fail(folder, source)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(fail(folder, source)),
    }
}

fn fail(folder: &Path, source: io::Error) -> OpenError {
    let folder = folder.to_owned();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => OpenError::Full { folder },
        _ => OpenError::Folder { folder, source },
    }
}

/// The right to use a folder. The kernel takes it back when the process ends, however that happens.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough when the program starts another one at this moment: that one holds a copy until
        // it runs.
        if let Err(errno) = flock(&self.file, FlockOperation::Unlock) {
            tracing::debug!(%errno, "Could not unlock {LOCK_FILE}");
        }
    }
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(folder: &Path) -> Result<Lock, OpenError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(LOCK_FILE))
            .map_err(|source| fail(folder, source))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(OpenError::InUse { folder: folder.to_owned(), process: process_in(&mut file) });
            }
            Err(errno) => return Err(fail(folder, errno.into())),
        }
        if let Err(error) = write_process(&mut file) {
            // The number only makes a message better; a full disk must not keep the store from opening.
            tracing::debug!(%error, "Could not note the process in {LOCK_FILE}");
        }
        Ok(Lock { file })
    }
}

fn write_process(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

fn process_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // It may be empty: the other process has just taken the lock.
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_folder_and_its_files_are_for_the_owner_only() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        create(&folder).unwrap();
        create_file(&folder, &folder.join("file")).unwrap();
        let _lock = Lock::take(&folder).unwrap();

        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("file")), 0o600);
        assert_eq!(mode(&folder.join(LOCK_FILE)), 0o600);
    }

    #[test]
    fn a_folder_that_is_a_file_is_refused_with_its_name() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("data");
        File::create(&file).unwrap();
        let error = create(&file).unwrap_err().to_string();
        assert!(error.contains(&file.display().to_string()), "{error}");
    }

    #[test]
    fn a_lock_is_free_again_when_it_is_dropped() {
        let temp = tempfile::tempdir().unwrap();
        let lock = Lock::take(temp.path()).unwrap();
        let error = Lock::take(temp.path()).unwrap_err();
        assert!(
            matches!(error, OpenError::InUse { process: Some(process), .. } if process == std::process::id()),
            "{error:?}"
        );
        drop(lock);
        Lock::take(temp.path()).unwrap();
    }
}
