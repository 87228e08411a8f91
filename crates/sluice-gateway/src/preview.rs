//! Previews: a signed header that shows one version of one service, also a dark one, until it expires.
//!
//! The signature is HMAC-SHA-256 (RFC 2104, FIPS 180-4) over the service, the version and the expiry, so that a
//! preview of one service or environment is worth nothing at another.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sluice_core::{ServiceKey, Timestamp, VersionName};

/// The request header that asks for a preview.
pub const PREVIEW_HEADER: &str = "x-sluice-preview";

/// Stands between the parts of a preview; no version's name can hold it.
const SEPARATOR: char = '~';

/// The secret that previews and carried choices are signed with.
#[derive(Clone)]
pub struct PreviewKey([u8; 32]);

/// Why a preview header shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreviewError {
    /// It is not of the form that [`PreviewKey::sign`] gives.
    #[error("the preview header is malformed; ask for a new one")]
    Malformed,
    /// It was not signed with this key, or for another service, or it was changed.
    #[error("the preview header was not signed for this service; ask for a new one")]
    Forged,
    /// Its time is over.
    #[error("the preview of version {version} expired at {expired}; ask for a new one")]
    Expired {
        /// The version that it showed.
        version: VersionName,
        /// When its time was over.
        expired: Timestamp,
    },
}

impl PreviewKey {
    /// From 32 random bytes.
    pub const fn new(secret: [u8; 32]) -> PreviewKey {
        PreviewKey(secret)
    }

    /// The header's value that shows `version` of `service` until `expires`.
    pub fn sign(&self, service: &ServiceKey, version: &VersionName, expires: Timestamp) -> String {
        let expires = expires.as_millis();
        let signature = self.mac(service, version.as_str(), expires).finalize().into_bytes();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("{version}{SEPARATOR}{expires}{SEPARATOR}{signature}")
    }

    /// The version that a header's value shows at `service`. Takes the same time for every wrong signature.
    ///
    /// # Errors
    ///
    /// When the value is malformed, forged, for another service, or expired at `now`.
    pub fn verify(
        &self,
        header: &str,
        service: &ServiceKey,
        now: Timestamp,
    ) -> Result<VersionName, PreviewError> {
        let mut parts = header.trim().split(SEPARATOR);
        let (Some(version), Some(expires), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PreviewError::Malformed);
        };
        let version: VersionName = version.parse().map_err(|_| PreviewError::Malformed)?;
        let expires: i64 = expires.parse().map_err(|_| PreviewError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| PreviewError::Malformed)?;
        self.mac(service, version.as_str(), expires)
            .verify_slice(&signature)
            .map_err(|_| PreviewError::Forged)?;
        let expired = Timestamp::from_millis(expires);
        if now >= expired {
            return Err(PreviewError::Expired { version, expired });
        }
        Ok(version)
    }

    fn mac(&self, service: &ServiceKey, version: &str, expires: i64) -> Hmac<Sha256> {
        let parts = ["sluice-preview-1", service.environment.as_str(), service.name.as_str(), version];
        let mut mac = self.mac_of(&parts);
        mac.update(&expires.to_be_bytes());
        mac
    }

    /// Over these parts, of which the first says what is signed.
    pub(crate) fn mac_of(&self, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of every length");
        // A zero byte closes each part: no name holds one, so no two lists of parts read the same.
        for part in parts {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac
    }
}

impl From<[u8; 32]> for PreviewKey {
    fn from(secret: [u8; 32]) -> Self {
        PreviewKey(secret)
    }
}

/// Says that there is a key, and not which.
impl fmt::Debug for PreviewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreviewKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> ServiceKey {
        ServiceKey { environment: "production".parse().unwrap(), name: name.parse().unwrap() }
    }

    #[test]
    fn shows_the_version_at_its_own_service_until_it_expires() {
        let key = PreviewKey::new([7; 32]);
        let version: VersionName = "2.1.0-rc.1+linux".parse().unwrap();
        let expires = Timestamp::from_millis(1_000_000);
        let header = key.sign(&service("checkout"), &version, expires);
        let before = Timestamp::from_millis(999_999);
        assert_eq!(key.verify(&header, &service("checkout"), before), Ok(version.clone()));
        assert_eq!(key.verify(&header, &service("payments"), before), Err(PreviewError::Forged));
        let expired = PreviewError::Expired { version, expired: expires };
        assert_eq!(key.verify(&header, &service("checkout"), expires), Err(expired));
        let other = PreviewKey::new([8; 32]);
        assert_eq!(other.verify(&header, &service("checkout"), before), Err(PreviewError::Forged));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let key = PreviewKey::new([7; 32]);
        let header = key.sign(&service("checkout"), &"2.1.0".parse().unwrap(), Timestamp::from_millis(5));
        for at in 0..header.len() {
            let mut changed = header.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).unwrap();
            let verdict = key.verify(&changed, &service("checkout"), Timestamp::from_millis(1));
            assert!(verdict.is_err(), "{changed} was taken");
        }
        for text in ["", "~", "~~", "2.1.0", "2.1.0~5", "2.1.0~5~", "2.1.0~x~AAAA", "a~1~AA~x", "é~1~AA"] {
            assert!(
                key.verify(text, &service("checkout"), Timestamp::default()).is_err(),
                "{text:?} was taken"
            );
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert_eq!(format!("{:?}", PreviewKey::new([7; 32])), "PreviewKey(..)");
    }
}
