//! Secrets that are kept outside of documents, and signing with them.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use sha2::Sha256;
use sluice_core::document::policy::SecretSource;

use crate::hooks::ReadVariable;
use crate::trouble::Unsigned;

/// Longer than any key, and short enough to be read at each call.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// What a webhook is signed with, or a source asked with; never empty. It has no `Debug`, so that no log can show it.
pub(crate) struct Secret(Vec<u8>);

/// Reads a secret from where it is kept, without the white space at its end.
///
/// # Errors
/// When it is not there, cannot be read, or is empty.
pub(crate) async fn read(source: &SecretSource, read_variable: &ReadVariable) -> Result<Secret, Unsigned> {
    match source {
        SecretSource::Env(name) => {
            let value = read_variable(name).ok_or_else(|| Unsigned::VariableNotSet(name.clone()))?;
            Secret::of(value.into_encoded_bytes()).ok_or_else(|| Unsigned::VariableEmpty(name.clone()))
        }
        SecretSource::File(path) => {
            let path = path.clone();
            let reading = tokio::task::spawn_blocking({
                let path = path.clone();
                move || read_file(path)
            });
            reading.await.unwrap_or_else(|stopped| {
                Err(Unsigned::FileUnreadable { path, source: std::io::Error::other(stopped) })
            })
        }
    }
}

fn read_file(path: String) -> Result<Secret, Unsigned> {
    let mut bytes = Vec::new();
    // Asked before it is opened: opening a pipe would wait for somebody to write into it.
    let read = std::fs::metadata(&path).and_then(|metadata| {
        if metadata.is_file() {
            File::open(&path)?.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        }
        Ok(metadata.is_file())
    });
    match read {
        Err(source) => Err(Unsigned::FileUnreadable { path, source }),
        Ok(false) => Err(Unsigned::NoFile(path)),
        Ok(true) if u64::try_from(bytes.len()).is_ok_and(|length| length > SECRET_BYTES_MAX) => {
            Err(Unsigned::FileTooLong { path, bytes_max: SECRET_BYTES_MAX })
        }
        Ok(true) => Secret::of(bytes).ok_or(Unsigned::FileEmpty(path)),
    }
}

impl Secret {
    fn of(mut bytes: Vec<u8>) -> Option<Secret> {
        bytes.truncate(bytes.trim_ascii_end().len());
        (!bytes.is_empty()).then_some(Secret(bytes))
    }

    /// As text.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The signature of `body` at a time: HMAC-SHA256 (RFC 2104) over the seconds, a dot and the body. The time is
    /// signed, so that receivers can refuse what somebody overheard and sends again.
    pub(crate) fn signature(&self, unix_seconds: u64, body: &[u8]) -> HeaderValue {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        mac.update(unix_seconds.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        let mut text = format!("t={unix_seconds},v1=");
        for byte in mac.finalize().into_bytes() {
            write!(text, "{byte:02x}").expect("writing to a String never fails");
        }
        HeaderValue::from_str(&text).expect("digits, letters, `=` and `,` are fine in a header")
    }
}
