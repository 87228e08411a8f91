//! Who acts: a name for the log, and the one that approvals are counted by.

use std::str::FromStr;

/// The longest name that the server takes, in bytes.
const BYTES_MAX: usize = 128;

/// Who acts. Until there is sign-in this is what they say, and no proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ActorName(String);

/// Text that is no name of somebody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; write it as ada or ada@example.com")]
pub(crate) struct InvalidActor {
    why: &'static str,
}

impl FromStr for ActorName {
    type Err = InvalidActor;

    fn from_str(text: &str) -> Result<Self, InvalidActor> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidActor { why: "it is empty" });
        }
        if text.len() > BYTES_MAX {
            return Err(InvalidActor { why: "it is longer than 128 bytes" });
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidActor { why: "it holds control characters" });
        }
        Ok(ActorName(text.to_owned()))
    }
}

impl From<ActorName> for String {
    fn from(name: ActorName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_fits_on_a_line_of_the_log() {
        for text in ["ada", "ada@example.com", "dependabot[bot]", "Ådne"] {
            assert_eq!(text.parse::<ActorName>().map(String::from).as_deref(), Ok(text));
        }
        for text in ["", "  ", "a\nb", &"a".repeat(129)] {
            assert!(text.parse::<ActorName>().is_err(), "{text:?} was taken");
        }
    }
}
