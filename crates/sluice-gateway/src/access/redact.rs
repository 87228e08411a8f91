//! What is never written to the access log.

use std::borrow::Cow;

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// Names that hold one of these are secrets. Compared in lower case, without `-` and `_`.
const SECRET_PARTS: [&str; 13] = [
    "token",
    "password",
    "passwd",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "cookie",
    "session",
    "signature",
    "credential",
    "jwt",
];
/// Names that are one of these are secrets.
const SECRET_NAMES: [&str; 9] = ["auth", "code", "key", "otp", "pass", "pin", "pwd", "sig", "sid"];

/// Which values are replaced.
#[derive(Clone, Debug)]
pub(super) struct Redaction {
    /// As [`plain`] makes them.
    names: Vec<String>,
    is_everything: bool,
}

impl Redaction {
    /// The names that are always secrets, and these; `*` for every one.
    pub(super) fn of(names: &[String]) -> Redaction {
        Redaction {
            is_everything: names.iter().any(|name| name == "*"),
            names: names.iter().map(|name| plain(name)).collect(),
        }
    }

    pub(super) fn is_secret(&self, name: &str) -> bool {
        let name = plain(name);
        self.is_everything
            || SECRET_PARTS.iter().any(|part| name.contains(part))
            || SECRET_NAMES.contains(&name.as_str())
            || self.names.contains(&name)
    }

    /// A query without its secrets. Names are looked at as servers read them, decoded.
    pub(super) fn query<'a>(&self, query: &'a str) -> Cow<'a, str> {
        let is_secret =
            |pair: &&str| pair.split_once('=').is_some_and(|(name, _)| self.is_secret(&decoded(name)));
        if !query.split(['&', ';']).any(|pair| is_secret(&pair)) {
            return Cow::Borrowed(query);
        }
        let mut text = String::with_capacity(query.len());
        let mut rest = query;
        loop {
            let end = rest.find(['&', ';']).unwrap_or(rest.len());
            let (pair, tail) = rest.split_at(end);
            match pair.split_once('=').filter(|_| is_secret(&pair)) {
                Some((name, _)) => {
                    text.push_str(name);
                    text.push('=');
                    text.push_str(REDACTED);
                }
                None => text.push_str(pair),
            }
            let Some(separator) = tail.chars().next() else { return Cow::Owned(text) };
            text.push(separator);
            rest = &tail[1..];
        }
    }

    /// A header without its secrets. Addresses keep no secrets in their queries either.
    pub(super) fn header<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self.is_secret(name) {
            return Cow::Borrowed(REDACTED);
        }
        match value.split_once('?') {
            Some((before, query)) if value.starts_with("http") || value.starts_with('/') => {
                Cow::Owned(format!("{before}?{}", self.query(query)))
            }
            _ => Cow::Borrowed(value),
        }
    }
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// `%74oken` is a token too.
fn decoded(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [byte, tail @ ..] = rest {
        let digit = |place: usize| tail.get(place).and_then(|byte| char::from(*byte).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high << 4 | low).unwrap_or_default());
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_and_nothing_else() {
        let redaction = Redaction::of(&["Tax-Number".to_owned()]);
        for (query, expected) in [
            ("x=1&y=2", "x=1&y=2"),
            ("", ""),
            ("x=1&token=abc&y=2", "x=1&token=[redacted]&y=2"),
            ("access_token=a;API-Key=b", "access_token=[redacted];API-Key=[redacted]"),
            ("%74oken=abc&tok%65n=", "%74oken=[redacted]&tok%65n=[redacted]"),
            ("tax_number=7&taxes=8&token", "tax_number=[redacted]&taxes=8&token"),
            ("code=1&codec=2&key=é%", "code=[redacted]&codec=2&key=[redacted]"),
            ("password=a=b&&=&x", "password=[redacted]&&=&x"),
        ] {
            assert_eq!(redaction.query(query), expected);
        }
        assert_eq!(redaction.header("authorization", "Bearer x"), REDACTED);
        assert_eq!(redaction.header("x-api-key", "x"), REDACTED);
        assert_eq!(redaction.header("user-agent", "curl?token=1"), "curl?token=1");
        assert_eq!(redaction.header("referer", "http://a/?token=1"), "http://a/?token=[redacted]");
        let all = Redaction::of(&["*".to_owned()]);
        assert_eq!(all.query("x=1&y"), "x=[redacted]&y");
    }
}
