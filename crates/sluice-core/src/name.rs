//! Names: what documents, versions and services are called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest name, in bytes: a DNS label, so that any name can become part of a host or a Kubernetes object.
pub const NAME_BYTES_MAX: usize = 63;

/// Why text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a name: {why}")]
pub struct InvalidName {
    /// The text that was given.
    pub given: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

/// The name of a document: lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$", max_length = 63, example = "checkout")]
pub struct Name(String);

/// The name of a version, as the build names it: letters, digits, `.`, `_`, `-` and `+`, beginning with a letter
/// or digit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$", max_length = 63, example = "2.1.0")]
pub struct VersionName(String);

fn check_length(text: &str) -> Result<(), &'static str> {
    match text.len() {
        0 => Err("it is empty"),
        1..=NAME_BYTES_MAX => Ok(()),
        _ => Err("it is longer than 63 characters"),
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = |why| InvalidName { given: text.to_owned(), why };
        check_length(text).map_err(invalid)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !text.bytes().all(|b| plain(b) || b == b'-' || b == b'.') {
            return Err(invalid("only a-z, 0-9, `-` and `.` are allowed"));
        }
        let bytes = text.as_bytes();
        if !(plain(bytes[0]) && plain(bytes[bytes.len() - 1])) {
            return Err(invalid("it must begin and end with a letter or digit"));
        }
        Ok(Name(text.to_owned()))
    }
}

impl FromStr for VersionName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = |why| InvalidName { given: text.to_owned(), why };
        check_length(text).map_err(invalid)?;
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b)) {
            return Err(invalid("only letters, digits, `.`, `_`, `+` and `-` are allowed"));
        }
        if !text.as_bytes()[0].is_ascii_alphanumeric() {
            return Err(invalid("it must begin with a letter or digit"));
        }
        Ok(VersionName(text.to_owned()))
    }
}

macro_rules! text_newtype {
    ($type:ident) => {
        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0
            }
        }
    };
}

impl VersionName {
    /// How big the step from this version to another is, by semantic versioning: `major`, `minor` or `patch` for the
    /// first number that differs, `other` when either is no semantic version or only what follows the numbers
    /// differs.
    pub fn level_of(&self, to: &VersionName) -> &'static str {
        match (self.numbers(), to.numbers()) {
            (Some(from), Some(to)) if from[0] != to[0] => "major",
            (Some(from), Some(to)) if from[1] != to[1] => "minor",
            (Some(from), Some(to)) if from[2] != to[2] => "patch",
            _ => "other",
        }
    }

    fn numbers(&self) -> Option<[u64; 3]> {
        let text = self.0.strip_prefix('v').unwrap_or(&self.0);
        let core = text.split(['-', '+']).next()?;
        let mut parts = core.split('.').map(|part| part.parse().ok());
        let numbers = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(numbers)
    }
}

/// Which versions will do. Written `1.4.0`, this very one, or `>=1.4.0`, this one or any later by semantic versioning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VersionNeed {
    /// This one.
    Exactly(VersionName),
    /// This one or any later.
    AtLeast(VersionName),
}

impl utoipa::PartialSchema for VersionNeed {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^(>= ?)?[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$"))
            .examples([">=1.4.0"])
            .into()
    }
}

impl ToSchema for VersionNeed {}

impl VersionNeed {
    /// Whether a version will do. Text that follows the three numbers does not count; a version without three numbers
    /// is later than none.
    pub fn is_met_by(&self, version: &VersionName) -> bool {
        match self {
            VersionNeed::Exactly(wanted) => version == wanted,
            VersionNeed::AtLeast(wanted) if version == wanted => true,
            VersionNeed::AtLeast(wanted) => match (version.numbers(), wanted.numbers()) {
                (Some(numbers), Some(least)) => numbers >= least,
                _ => false,
            },
        }
    }
}

impl FromStr for VersionNeed {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let Some(least) = text.strip_prefix(">=") else { return text.parse().map(VersionNeed::Exactly) };
        let least: VersionName = least.trim_start().parse()?;
        match least.numbers() {
            Some(_) => Ok(VersionNeed::AtLeast(least)),
            None => Err(InvalidName {
                given: text.to_owned(),
                why: "after `>=` comes a semantic version, as >=1.4.0; others have no order",
            }),
        }
    }
}

impl fmt::Display for VersionNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VersionNeed::Exactly(version) => write!(f, "{version}"),
            VersionNeed::AtLeast(version) => write!(f, ">={version}"),
        }
    }
}

impl TryFrom<String> for VersionNeed {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<VersionNeed> for String {
    fn from(need: VersionNeed) -> String {
        need.to_string()
    }
}

text_newtype!(Name);
text_newtype!(VersionName);

/// What tells one service from another: the same service exists once in each environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct ServiceKey {
    /// The environment it runs in.
    pub environment: Name,
    /// Its name there.
    pub name: Name,
}

/// `production/checkout`.
impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.environment, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_break_a_host_or_a_path_are_refused() {
        for text in ["", "Checkout", "a b", "-a", "a-", "a/b", "é", &"a".repeat(64)] {
            assert!(text.parse::<Name>().is_err(), "{text:?} was taken");
        }
        for text in ["", ".1", "1/2", "v 1", &"1".repeat(64)] {
            assert!(text.parse::<VersionName>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn the_level_of_a_change_is_the_first_number_that_differs() {
        let level = |from: &str, to: &str| {
            from.parse::<VersionName>().unwrap().level_of(&to.parse::<VersionName>().unwrap())
        };
        assert_eq!(level("2.0.3", "3.0.0"), "major");
        assert_eq!(level("v2.0.3", "2.1.0-rc.1"), "minor");
        assert_eq!(level("2.0.3", "2.0.4+build.7"), "patch");
        assert_eq!(level("2.0.3", "2.0.3-rc.1"), "other");
        assert_eq!(level("a1b2c3d", "2.0.3"), "other");
        assert_eq!(level("2.0", "2.1"), "other");
    }

    #[test]
    fn builds_keep_the_version_they_were_given() {
        for text in ["2.1.0", "v2.1.0-rc.1+linux", "20261123_1", "a1b2c3d"] {
            assert_eq!(text.parse::<VersionName>().unwrap().as_str(), text);
        }
    }
}
