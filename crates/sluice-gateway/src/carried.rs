//! Carried choices: what a hop has decided under a release that several services share, signed, so that the hops
//! behind it decide alike and a visitor meets versions that belong together.
//!
//! The header is a list of tokens, one for each release, separated by commas. A token is signed with the key of the
//! previews, under a label of its own (HMAC-SHA-256, RFC 2104): a visitor cannot make one, so nobody chooses their own
//! version. What cannot be verified is dropped without a word, because whoever forges must not learn from the answer.

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use sluice_core::routing::Carried;
use sluice_core::{Name, Span, Timestamp};

use crate::PreviewKey;

/// The request header that carries what earlier hops have decided. An application that asks other services on behalf
/// of a visitor passes it on as it came; the gateway puts it on every request to a service whose release is shared,
/// and takes off what it cannot verify.
pub const RELEASE_HEADER: &str = "x-sluice-release";

pub(crate) const RELEASE: HeaderName = HeaderName::from_static(RELEASE_HEADER);

/// How long a carried choice counts. Longer than any chain of requests takes, and short enough that a header found in
/// an old log chooses nothing.
pub const CARRIED_TIME: Span = Span::from_secs(10 * 60);

/// The longest header that is read, over all its lines. Eight of the longest tokens take 1 KiB.
pub const CARRIED_BYTES_MAX: usize = 4 * 1024;

/// The most tokens that are passed on. A visitor's request rarely meets more releases on its way than one or two.
pub const CARRIED_MAX: usize = 8;

/// Stands between the parts of a token; no release's name can hold it.
const SEPARATOR: char = '~';
const CANDIDATE: &str = "candidate";
const STABLE: &str = "stable";

impl PreviewKey {
    /// The token that carries a choice until `expires`.
    pub fn sign_carried(&self, carried: &Carried, expires: Timestamp) -> String {
        let (release, choice) = (&carried.release, choice_of(carried.is_candidate));
        let signature = self.carried_mac(release.as_str(), choice, expires.as_millis()).finalize();
        let signature = URL_SAFE_NO_PAD.encode(signature.into_bytes());
        format!("{release}{SEPARATOR}{choice}{SEPARATOR}{}{SEPARATOR}{signature}", expires.as_millis())
    }

    /// What a token carries. `None` when it is malformed, was not signed with this key, was changed, or has expired at
    /// `now`. Takes the same time for every wrong signature.
    pub fn verify_carried(&self, token: &str, now: Timestamp) -> Option<Carried> {
        let mut parts = token.split(SEPARATOR);
        let (release, choice) = (parts.next()?, parts.next()?);
        let (expires, signature) = (parts.next()?, parts.next()?);
        let is_candidate = match choice {
            CANDIDATE => true,
            STABLE => false,
            _ => return None,
        };
        let expires: i64 = expires.parse().ok()?;
        if parts.next().is_some() || now >= Timestamp::from_millis(expires) {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.carried_mac(release, choice, expires).verify_slice(&signature).ok()?;
        Some(Carried { release: release.parse().ok()?, is_candidate })
    }

    fn carried_mac(&self, release: &str, choice: &str, expires: i64) -> Hmac<Sha256> {
        // No preview begins with this label, so neither can be shown as the other.
        let mut mac = self.mac_of(&["sluice-release-1", release, choice]);
        mac.update(&expires.to_be_bytes());
        mac
    }
}

fn choice_of(is_candidate: bool) -> &'static str {
    if is_candidate { CANDIDATE } else { STABLE }
}

/// What earlier hops have decided for one request, verified, with the tokens that say so.
#[derive(Debug, Default)]
pub(crate) struct Carrying<'a> {
    tokens: Vec<(Carried, &'a str)>,
}

impl<'a> Carrying<'a> {
    /// Reads the header. Of two tokens for one release the first counts.
    pub(crate) fn of(headers: &'a HeaderMap, key: &PreviewKey, now: impl Fn() -> Timestamp) -> Carrying<'a> {
        let mut tokens: Vec<(Carried, &str)> = Vec::new();
        if !headers.contains_key(RELEASE) {
            return Carrying { tokens };
        }
        let lines = || headers.get_all(RELEASE).iter();
        if lines().map(HeaderValue::len).sum::<usize>() > CARRIED_BYTES_MAX {
            return Carrying { tokens };
        }
        let now = now();
        let texts = lines().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        for text in texts.map(str::trim) {
            if let Some(carried) = key.verify_carried(text, now)
                && tokens.iter().all(|(other, _)| other.release != carried.release)
            {
                tokens.push((carried, text));
            }
        }
        Carrying { tokens }
    }

    /// What was decided under a release.
    pub(crate) fn under(&self, release: &Name) -> Option<&Carried> {
        self.tokens.iter().map(|(carried, _)| carried).find(|carried| carried.release == *release)
    }

    /// Whether no earlier hop has decided anything for this visitor.
    pub(crate) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The header for the next hop: this hop's own decision, as a token, and what others have decided under other
    /// releases. `None` when there is nothing to say.
    pub(crate) fn pass_on(&self, own: Option<(&Name, String)>) -> Option<HeaderValue> {
        let own_release = own.as_ref().map(|(release, _)| *release);
        let others = self.tokens.iter().filter(|(carried, _)| Some(&carried.release) != own_release);
        let list: Vec<&str> = own
            .iter()
            .map(|(_, token)| token.as_str())
            .chain(others.map(|(_, text)| *text))
            .take(CARRIED_MAX)
            .collect();
        if list.is_empty() {
            return None;
        }
        Some(HeaderValue::try_from(list.join(", ")).expect("tokens are plain ASCII"))
    }
}
