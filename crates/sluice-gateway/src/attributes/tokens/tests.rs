//! Tokens that are believed, and all others.

use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use super::*;

const NOW: i64 = 1_800_000_000;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

struct Issuer {
    ed25519: Ed25519KeyPair,
    p256: EcdsaKeyPair,
    random: SystemRandom,
}

impl Issuer {
    fn new() -> Issuer {
        let random = SystemRandom::new();
        let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let p256 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let p256 =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, p256.as_ref(), &random).unwrap();
        Issuer { ed25519: Ed25519KeyPair::from_pkcs8(ed25519.as_ref()).unwrap(), p256, random }
    }

    fn keys(&self) -> String {
        let point = self.p256.public_key().as_ref();
        format!(
            r#"{{ "keys": [
                {{ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "{}" }},
                {{ "kty": "EC", "crv": "P-256", "kid": "ec", "alg": "ES256", "use": "sig", "x": "{}", "y": "{}" }},
                {{ "kty": "oct", "kid": "shared", "k": "c2VjcmV0" }}, 7
            ] }}"#,
            encode(self.ed25519.public_key()),
            encode(&point[1..33]),
            encode(&point[33..]),
        )
    }

    fn token(&self, head: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(head), encode(claims));
        let signature = if head.contains("ES256") {
            self.p256.sign(&self.random, signed.as_bytes()).unwrap().as_ref().to_vec()
        } else {
            self.ed25519.sign(signed.as_bytes()).as_ref().to_vec()
        };
        format!("{signed}.{}", encode(signature))
    }
}

fn tokens(issuer: &Issuer) -> Tokens {
    let audience = Some("shop".to_owned());
    let tokens = Tokens::new(TokenOptions { issuer: "https://id".to_owned(), audience, cookie: None });
    assert_eq!(tokens.replace_keys(issuer.keys().as_bytes()).unwrap(), 2);
    tokens
}

const ED: &str = r#"{ "alg": "EdDSA", "kid": "ed" }"#;

#[test]
fn what_a_known_key_signed_is_believed() {
    let issuer = Issuer::new();
    let tokens = tokens(&issuer);
    let claims = r#"{ "iss": "https://id", "aud": ["blog", "shop"], "exp": 1800000100, "sub": "ada", "vip": true,
        "age": 42, "groups": ["staff", "beta"], "realm": { "role": "admin" }, "https://id/plan": "pro", "none": null }"#;
    for head in [ED, r#"{ "alg": "ES256", "kid": "ec", "typ": "JWT" }"#, r#"{ "alg": "EdDSA" }"#] {
        let verified = Verified::default();
        let token = issuer.token(head, claims);
        // Verified, and remembered.
        for _ in 0..2 {
            let claims = tokens.claims(&token, &verified, NOW).unwrap();
            let get = |path: &str| claims.get(path);
            assert_eq!(get("sub").as_deref(), Some("ada"));
            assert_eq!((get("vip").as_deref(), get("age").as_deref()), (Some("true"), Some("42")));
            assert_eq!(get("groups").as_deref(), Some("staff,beta"));
            assert_eq!(
                (get("realm.role").as_deref(), get("https://id/plan").as_deref()),
                (Some("admin"), Some("pro"))
            );
            assert_eq!((get("realm"), get("none"), get("absent"), get("sub.x")), (None, None, None, None));
        }
        assert_eq!((verified.believed.borrow().len(), verified.refused.borrow().len()), (1, 0));
        // Remembered or not, its time ends.
        assert!(tokens.claims(&token, &verified, 1_800_000_159).is_some());
        assert!(tokens.claims(&token, &verified, 1_800_000_160).is_none());
    }
}

#[test]
fn what_cannot_be_verified_claims_nothing() {
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    let tokens = tokens(&issuer);
    let good = r#"{ "iss": "https://id", "aud": "shop", "sub": "ada" }"#;
    let believed = |token: &str| tokens.claims(token, &Verified::default(), NOW).is_some();
    assert!(believed(&issuer.token(ED, good)));
    let fine = issuer.token(ED, good);
    let (signed, signature) = fine.rsplit_once('.').unwrap();
    let body = signed.split_once('.').unwrap().1;
    for (what, token) in [
        ("signed by somebody else", stranger.token(ED, good)),
        ("without a signature", format!("{signed}.")),
        ("of the algorithm none", format!("{}.{body}.", encode(r#"{"alg":"none"}"#))),
        ("of a shared secret", format!("{}.{body}.{signature}", encode(r#"{"alg":"HS256","kid":"shared"}"#))),
        (
            "of another algorithm than the key's",
            format!("{}.{body}.{signature}", encode(r#"{"alg":"ES256","kid":"ed"}"#)),
        ),
        ("of another key", issuer.token(r#"{ "alg": "EdDSA", "kid": "ec" }"#, good)),
        (
            "with something critical",
            issuer.token(r#"{ "alg": "EdDSA", "kid": "ed", "crit": ["b64"] }"#, good),
        ),
        ("with other claims", format!("{}.{}.{signature}", encode(ED), encode(good.replace("ada", "eve")))),
        ("of another issuer", issuer.token(ED, &good.replace("https://id", "https://evil"))),
        ("of no issuer", issuer.token(ED, r#"{ "aud": "shop" }"#)),
        ("for somebody else", issuer.token(ED, &good.replace("shop", "blog"))),
        ("for nobody", issuer.token(ED, r#"{ "iss": "https://id" }"#)),
        ("that is over", issuer.token(ED, &good.replace("\"sub\"", "\"exp\": 1799999939, \"sub\""))),
        ("that is not yet", issuer.token(ED, &good.replace("\"sub\"", "\"nbf\": 1800000061, \"sub\""))),
        ("whose end is no time", issuer.token(ED, &good.replace("\"sub\"", "\"exp\": \"never\", \"sub\""))),
        ("in four parts", format!("{fine}.x")),
        ("of nothing", String::new()),
    ] {
        assert!(!believed(&token), "a token {what}");
    }
}

#[test]
fn new_keys_are_used_at_once_and_old_ones_no_more() {
    let (before, after) = (Issuer::new(), Issuer::new());
    let tokens = tokens(&before);
    let verified = Verified::default();
    let good = r#"{ "iss": "https://id", "aud": "shop" }"#;
    let (old, new) = (before.token(ED, good), after.token(ED, good));
    assert!(tokens.claims(&old, &verified, NOW).is_some() && tokens.claims(&new, &verified, NOW).is_none());
    assert!(!tokens.take_key_missed(), "the key has an id that is known");
    let renamed = after.token(r#"{ "alg": "EdDSA", "kid": "next" }"#, good);
    assert!(tokens.claims(&renamed, &verified, NOW).is_none() && tokens.take_key_missed());
    for broken in ["", "{}", r#"{ "keys": [] }"#, r#"{ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }"#] {
        assert!(tokens.replace_keys(broken.as_bytes()).is_err(), "{broken}");
    }
    assert!(tokens.claims(&old, &verified, NOW).is_some(), "what was there stays");
    let known = tokens.keys.load_full();
    tokens.replace_keys(before.keys().as_bytes()).unwrap();
    assert!(Arc::ptr_eq(&known, &tokens.keys.load_full()), "the same keys leave what was verified as it is");
    tokens.replace_keys(after.keys().as_bytes()).unwrap();
    assert!(tokens.claims(&old, &verified, NOW).is_none() && tokens.claims(&new, &verified, NOW).is_some());
}

proptest! {
    #[test]
    fn any_text_is_a_token_that_claims_nothing(text in "[a-zA-Z0-9._-]{0,80}|.{0,40}") {
        let tokens = tokens(&Issuer::new());
        prop_assert!(tokens.claims(&text, &Verified::default(), NOW).is_none());
    }

    #[test]
    fn any_bytes_are_keys_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let tokens = tokens(&Issuer::new());
        prop_assert!(tokens.replace_keys(&bytes).is_err());
    }
}
