//! Tokens that visitors bring (JWT, RFC 7519; signatures by RFC 7515 and 8037), believed when they are signed by a known key.
//!
//! Which signature is asked for follows from the key, never from the token: a token can choose neither "none" nor a shared
//! secret. One that cannot be verified claims nothing.

mod key;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value};

pub use key::KeysError;
use key::{Key, Keys};

/// How far the clocks of two machines may be apart.
const LEEWAY_SECS: i64 = 60;
/// Longer tokens are not looked at: a head may be longer, and a signature over it costs time.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Verified tokens that one worker remembers: 4 to 8 MiB with usual claims.
const REMEMBERED_MAX: usize = 4_096;

/// Which tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// Who must have issued them (`iss`).
    pub issuer: String,
    /// Whom they must be for (`aud`), if that matters.
    pub audience: Option<String>,
    /// The cookie that they come in; `Authorization: Bearer` when absent.
    pub cookie: Option<String>,
}

/// How tokens are verified.
#[derive(Clone, Debug)]
pub struct Tokens {
    options: Arc<TokenOptions>,
    keys: Arc<ArcSwap<Keys>>,
    is_key_missed: Arc<AtomicBool>,
}

/// What a token claims.
#[derive(Debug, PartialEq)]
pub(crate) struct Claims {
    all: Map<String, Value>,
    /// From when and until when they hold, in seconds since 1970.
    times: (Option<i64>, Option<i64>),
}

/// Tokens that one worker has verified, so that a repeat costs a hash and no signature.
#[derive(Default)]
pub(crate) struct Verified {
    believed: RefCell<HashMap<[u8; 32], Remembered>>,
    /// Apart, so that nobody makes a worker forget the good by sending bad ones.
    refused: RefCell<HashMap<[u8; 32], Remembered>>,
}

struct Remembered {
    keys: Arc<Keys>,
    claims: Option<Rc<Claims>>,
}

impl Tokens {
    /// Without keys: nothing is believed before [`Tokens::replace_keys`].
    pub fn new(options: TokenOptions) -> Tokens {
        Tokens { options: Arc::new(options), keys: Arc::default(), is_key_missed: Arc::default() }
    }

    /// Puts the keys of a JSON Web Key Set (RFC 7517) in place of those that are there. Gives how many can be used; keys of
    /// kinds that are not known here are passed over.
    ///
    /// # Errors
    /// When it is none, or has no usable key. What was there stays.
    pub fn replace_keys(&self, key_set: &[u8]) -> Result<usize, KeysError> {
        let keys = Keys::read(key_set)?;
        let count = keys.len();
        // The same keys leave what was verified by them as it is.
        if **self.keys.load() != keys {
            self.keys.store(Arc::new(keys));
        }
        Ok(count)
    }

    /// Whether a token named a key that is not there, since this was last asked: the issuer may have new ones.
    pub fn take_key_missed(&self) -> bool {
        self.is_key_missed.swap(false, Relaxed)
    }

    /// The cookie that tokens come in, if they come in one.
    pub(crate) fn cookie(&self) -> Option<&str> {
        self.options.cookie.as_deref()
    }

    /// What a token claims, when it is believed. `now` is in seconds since 1970.
    pub(crate) fn claims(&self, token: &str, verified: &Verified, now: i64) -> Option<Rc<Claims>> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let keys = self.keys.load_full();
        let hash = digest(&SHA256, token.as_bytes());
        let hash: [u8; 32] = hash.as_ref().try_into().ok()?;
        let claims = match verified.find(&hash, &keys) {
            Some(claims) => claims,
            None => {
                let claims = self.verify(token, &keys).map(Rc::new);
                verified.remember(hash, Remembered { keys, claims: claims.clone() });
                claims
            }
        };
        claims.filter(|claims| claims.is_current(now))
    }

    /// What a token claims, when a known key signed it and it is for us; whenever that may be.
    fn verify(&self, token: &str, keys: &Keys) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (head, body) = signed.split_once('.')?;
        let head: Map<String, Value> = part(head)?;
        // What must be understood (RFC 7515 section 4.1.11) is not.
        if head.contains_key("crit") {
            return None;
        }
        let algorithm = head.get("alg")?.as_str()?;
        let id = head.get("kid").and_then(Value::as_str);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let mut candidates = keys.candidates(id).peekable();
        if candidates.peek().is_none() {
            self.is_key_missed.store(true, Relaxed);
        }
        let is_signed = |key: &Key| key.verifies(algorithm, signed.as_bytes(), &signature);
        candidates.any(is_signed).then_some(())?;
        let all: Map<String, Value> = part(body)?;
        if all.get("iss")?.as_str()? != self.options.issuer {
            return None;
        }
        if let Some(audience) = &self.options.audience {
            let is_ours = |value: &Value| value.as_str() == Some(audience);
            let given = all.get("aud")?;
            (is_ours(given) || given.as_array().is_some_and(|all| all.iter().any(is_ours))).then_some(())?;
        }
        // A time that is no number is no time that was kept.
        let time = |name| match all.get(name) {
            None => Some(None),
            Some(value) => value.as_f64().map(|seconds| Some(seconds as i64)),
        };
        let times = (time("nbf")?, time("exp")?);
        Some(Claims { all, times })
    }
}

fn part(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

impl Verified {
    /// What is remembered of a token under these keys.
    fn find(&self, hash: &[u8; 32], keys: &Arc<Keys>) -> Option<Option<Rc<Claims>>> {
        [&self.believed, &self.refused].into_iter().find_map(|by_hash| {
            let by_hash = by_hash.borrow();
            let known = by_hash.get(hash).filter(|known| Arc::ptr_eq(&known.keys, keys))?;
            Some(known.claims.clone())
        })
    }

    fn remember(&self, hash: [u8; 32], remembered: Remembered) {
        let by_hash = if remembered.claims.is_some() { &self.believed } else { &self.refused };
        let mut by_hash = by_hash.borrow_mut();
        if by_hash.len() >= REMEMBERED_MAX {
            by_hash.clear();
        }
        by_hash.insert(hash, remembered);
    }
}

impl Claims {
    fn is_current(&self, now: i64) -> bool {
        let (from, until) = self.times;
        from.is_none_or(|from| now.saturating_add(LEEWAY_SECS) >= from)
            && until.is_none_or(|until| now < until.saturating_add(LEEWAY_SECS))
    }

    /// A claim by its path, as text: of a list, its items with commas between them. An object, null, or nothing is none.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        // A name with dots in it, as addresses of claims have, comes first.
        let value = match self.all.get(path) {
            Some(value) => value,
            None => {
                let (first, rest) = path.split_once('.')?;
                let mut value = self.all.get(first)?;
                for name in rest.split('.') {
                    value = value.get(name)?;
                }
                value
            }
        };
        match value {
            Value::Array(items) => {
                let items: Option<Vec<String>> = items.iter().map(scalar).collect();
                Some(items?.join(","))
            }
            value => scalar(value),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
