//! The secret that previews are signed with: made once, kept in the data folder, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::rand::{GetRandomFlags, getrandom};
use sluice_gateway::PreviewKey;

use crate::outcome::{Exit, Failure};

const FILE: &str = "preview.key";
const BYTES: usize = 32;

/// The key in the data folder, made when there is none. The caller has the folder to itself.
///
/// # Errors
/// When it cannot be read or written, or is not a key.
pub(crate) fn load_or_make(folder: &Path) -> Result<PreviewKey, Failure> {
    let path = folder.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => <[u8; BYTES]>::try_from(bytes).map(PreviewKey::new).map_err(|bytes| {
            let message =
                format!("{} is not a preview key: it has {} bytes, not {BYTES}", path.display(), bytes.len());
            Failure::new(Exit::Configuration, message)
                .hint("delete the file; a new key is made, and previews that were given out end")
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path).map_err(|error| {
            Failure::new(Exit::Configuration, format!("{} cannot be written", path.display()))
                .because(&error)
                .hint("give a folder that this user may write to with --data")
        }),
        Err(error) => {
            Err(Failure::new(Exit::Configuration, format!("{} cannot be read", path.display()))
                .because(&error))
        }
    }
}

/// Writes beside and renames, so that no crash leaves half a key.
fn make(folder: &Path, path: &Path) -> io::Result<PreviewKey> {
    let mut secret = [0_u8; BYTES];
    getrandom(&mut secret, GetRandomFlags::empty())?;
    let beside = path.with_extension("key.new");
    // What an earlier crash left there is worth nothing.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()?;
    Ok(PreviewKey::new(secret))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sluice_core::{ServiceKey, Timestamp};

    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let sign = |key: &PreviewKey| {
            let service =
                ServiceKey { environment: "production".parse().unwrap(), name: "shop".parse().unwrap() };
            key.sign(&service, &"2.1.0".parse().unwrap(), Timestamp::from_millis(1))
        };
        fs::write(folder.path().join("preview.key.new"), "left by a crash").unwrap();
        let first = load_or_make(folder.path()).unwrap();
        let second = load_or_make(folder.path()).unwrap();
        assert_eq!(sign(&first), sign(&second));
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!folder.path().join("preview.key.new").exists());
    }

    #[test]
    fn half_a_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), [1_u8; 16]).unwrap();
        assert_eq!(load_or_make(folder.path()).unwrap_err().exit(), Exit::Configuration);
    }
}
