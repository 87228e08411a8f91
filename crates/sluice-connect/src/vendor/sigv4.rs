//! Signatures of requests to Amazon Web Services: Signature Version 4, as its documentation describes it.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Who signs, and for what.
pub(super) struct Keys<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// What a signed request needs in its head.
pub(super) struct Signed {
    /// `x-amz-date`, which is signed too.
    pub(super) date: String,
    pub(super) authorization: String,
}

impl Signed {
    /// Signs a request without a query. `headers` are in lower case and in the order of the alphabet, and all of them
    /// come before `x-amz-date` or, from `x-amz-e` on, behind it.
    pub(super) fn new(
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        keys: &Keys<'_>,
        unix_secs: u64,
    ) -> Signed {
        let date = time(unix_secs);
        let mut headers: Vec<(&str, &str)> = headers.to_vec();
        headers.push(("x-amz-date", &date));
        headers.sort_unstable();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let lines: String =
            headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let request = format!("{method}\n{path}\n\n{lines}\n{names}\n{}", hex(&Sha256::digest(body)));
        let scope = format!("{}/{}/{}/aws4_request", &date[..8], keys.region, keys.service);
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(request)));
        let mut key = mac(format!("AWS4{}", keys.secret).as_bytes(), &date[..8]);
        for part in [keys.region, keys.service, "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &text));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            keys.id
        );
        Signed { date, authorization }
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a String never fails");
    }
    text
}

/// `20150830T123600Z`: the digits of RFC 3339.
fn time(unix_secs: u64) -> String {
    let millis = i64::try_from(unix_secs.saturating_mul(1000)).unwrap_or(i64::MAX);
    let text = sluice_core::Timestamp::from_millis(millis).to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the suite of test vectors that Amazon publishes for Signature Version 4.
    const KEYS: Keys<'_> = Keys {
        id: "AKIDEXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        region: "us-east-1",
        service: "service",
    };
    const AT: u64 = 1_440_938_160;

    fn signature(method: &str, headers: &[(&str, &str)], body: &str) -> String {
        let signed = Signed::new(method, "/", headers, body.as_bytes(), &KEYS, AT);
        assert_eq!(signed.date, "20150830T123600Z");
        signed.authorization.rsplit('=').next().unwrap().to_owned()
    }

    #[test]
    fn signatures_are_those_of_the_published_vectors() {
        let host = ("host", "example.amazonaws.com");
        assert_eq!(
            signature("GET", &[host], ""),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            "get-vanilla"
        );
        assert_eq!(
            signature("POST", &[host], ""),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            "post-vanilla"
        );
        assert_eq!(
            signature(
                "POST",
                &[("content-type", "application/x-www-form-urlencoded"), host],
                "Param1=value1"
            ),
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            "post-x-www-form-urlencoded"
        );
    }
}
