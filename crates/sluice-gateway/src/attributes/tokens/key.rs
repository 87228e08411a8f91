//! Keys that tokens are signed with, as issuers publish them (RFC 7517, RFC 7518 section 6, RFC 8037).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// The keys of one issuer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys(Vec<Key>);

/// One key; its kind says which signatures it can make.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, when its issuer says so.
    only: Option<String>,
    kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It is not JSON with a list `keys`.
    #[error("it is no JSON Web Key Set: {0}")]
    Malformed(#[source] serde_json::Error),
    /// No key can be used.
    #[error("of its {given} keys, none is an RSA, P-256, P-384 or Ed25519 key for signatures")]
    NoneUsable {
        /// How many keys there are.
        given: usize,
    },
}

#[derive(Deserialize)]
struct Given {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct GivenKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    pub(super) fn read(key_set: &[u8]) -> Result<Keys, KeysError> {
        let given: Given = serde_json::from_slice(key_set).map_err(KeysError::Malformed)?;
        let count = given.keys.len();
        let keys: Vec<Key> = given.keys.into_iter().filter_map(Key::of).collect();
        if keys.is_empty() { Err(KeysError::NoneUsable { given: count }) } else { Ok(Keys(keys)) }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys with this id, and those without one; all when a token names none.
    pub(super) fn candidates<'a>(&'a self, id: Option<&'a str>) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| id.is_none() || key.id.is_none() || key.id.as_deref() == id)
    }
}

impl Key {
    /// `None` for a key that is of no use here.
    fn of(given: serde_json::Value) -> Option<Key> {
        let given: GivenKey = serde_json::from_value(given).ok()?;
        if given.r#use.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let bytes =
            |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?.trim_end_matches('=')).ok();
        // SEC 1 section 2.3.3: an uncompressed point.
        let point = || Some([vec![4], bytes(&given.x)?, bytes(&given.y)?].concat());
        let kind = match (given.kty.as_str(), given.crv.as_deref()) {
            ("RSA", _) => Kind::Rsa { modulus: bytes(&given.n)?, exponent: bytes(&given.e)? },
            ("EC", Some("P-256")) => Kind::P256(point()?),
            ("EC", Some("P-384")) => Kind::P384(point()?),
            ("OKP", Some("Ed25519")) => Kind::Ed25519(bytes(&given.x)?),
            _ => return None,
        };
        Some(Key { id: given.kid, only: given.alg, kind })
    }

    /// Whether this key made the signature, by an algorithm that is its own.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.only.as_deref().is_some_and(|only| only != algorithm) {
            return false;
        }
        let rsa = |parameters: &RsaParameters, modulus: &[u8], exponent: &[u8]| {
            let key = RsaPublicKeyComponents { n: modulus, e: exponent };
            key.verify(parameters, message, signature).is_ok()
        };
        let plain = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        match (&self.kind, algorithm) {
            (Kind::Rsa { modulus, exponent }, algorithm) => {
                let parameters = match algorithm {
                    "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                    "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                    "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
                    "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
                    "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                rsa(parameters, modulus, exponent)
            }
            (Kind::P256(key), "ES256") => plain(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Kind::P384(key), "ES384") => plain(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Kind::Ed25519(key), "EdDSA") => plain(&signature::ED25519, key),
            _ => false,
        }
    }
}
