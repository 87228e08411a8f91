//! What the engine keeps beside a Service document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sluice_core::document::ServiceSpec;
use sluice_core::document::service::VersionSpec;
use sluice_core::{Name, Timestamp, VersionName};

/// How many released versions are remembered: those before are too old to be handed on.
const RELEASED_MAX: usize = 200;

/// What the engine keeps beside a Service document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServiceState {
    /// The version that people have; none before the first.
    #[serde(default)]
    pub(crate) live: Option<VersionName>,
    /// Versions that were announced, oldest first. What the document names is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) announced: Vec<AnnouncedVersion>,
    /// Versions whose release succeeded, and first versions; oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) released: Vec<VersionName>,
}

/// A version that was announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AnnouncedVersion {
    pub(crate) spec: VersionSpec,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
    /// The release that is to start by itself as soon as it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<StartByItself>,
}

/// A release that is to start by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartByItself {
    /// The policy; the environment chooses one when absent.
    pub(crate) policy: Option<Name>,
}

impl ServiceState {
    /// Notes that a version is live now, and that its release succeeded.
    pub(crate) fn succeeded(&mut self, version: &VersionName) {
        self.live = Some(version.clone());
        self.released.retain(|known| known != version);
        self.released.push(version.clone());
        let excess = self.released.len().saturating_sub(RELEASED_MAX);
        self.released.drain(..excess);
    }

    /// Notes that a version is live again, because its successor was taken back.
    pub(crate) fn returned(&mut self, to: &VersionName, from: &VersionName) {
        self.live = Some(to.clone());
        self.released.retain(|known| known != from);
    }

    /// Whether a version's release succeeded.
    pub(crate) fn has_released(&self, version: &VersionName) -> bool {
        self.released.contains(version)
    }

    pub(crate) fn announced(&self, version: &VersionName) -> Option<&AnnouncedVersion> {
        self.announced.iter().find(|known| known.spec.name == *version)
    }

    pub(crate) fn announced_mut(&mut self, version: &VersionName) -> Option<&mut AnnouncedVersion> {
        self.announced.iter_mut().find(|known| known.spec.name == *version)
    }

    /// A document with everything that was announced besides. What the document names itself counts.
    pub(crate) fn effective(&self, spec: &ServiceSpec) -> ServiceSpec {
        let mut effective = spec.clone();
        let is_named =
            |version: &&AnnouncedVersion| !spec.versions.iter().any(|named| named.name == version.spec.name);
        effective.versions.extend(self.announced.iter().filter(is_named).map(|version| version.spec.clone()));
        effective
    }
}

/// What the engine keeps beside all services of a commit.
pub(crate) type States = BTreeMap<sluice_core::ServiceKey, ServiceState>;

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> VersionName {
        text.parse().unwrap()
    }

    #[test]
    fn a_version_that_was_taken_back_does_not_count_as_released() {
        let mut state = ServiceState::default();
        state.succeeded(&version("1"));
        state.succeeded(&version("2"));
        state.returned(&version("1"), &version("2"));
        assert_eq!(state.live, Some(version("1")));
        assert!(state.has_released(&version("1")));
        assert!(!state.has_released(&version("2")));
    }

    #[test]
    fn only_the_latest_released_versions_are_remembered() {
        let mut state = ServiceState::default();
        for number in 0..=RELEASED_MAX {
            state.succeeded(&version(&number.to_string()));
        }
        assert!(!state.has_released(&version("0")));
        assert!(state.has_released(&version("1")));
    }
}
