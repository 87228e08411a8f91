//! `Environment`: staging, production …; what may be released there, when, by which policy, and who may say so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Name;
use crate::calendar::{Calendar, Freeze, Window};
use crate::condition::Condition;

/// Where services run: which policy their releases follow there, when they may begin, and who has a say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// What the environment is for, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The environment that comes before: a version can be released here only when it was released there. Absent: any
    /// version can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Name>,
    /// How the release of a newly announced version starts. Default `manual`.
    pub start: Start,
    /// Which policy a release follows when it names none: the first line that matches. The built-in `canary` when
    /// no line does.
    pub policies: Vec<PolicyBinding>,
    /// When more people may be given a new version, by the clock on the wall in a zone, or in UTC when none is named.
    /// Absent: at any time that no freeze closes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// When nobody may be given a new version, whatever the windows say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// Who has a say here: for each role the people in it, by the name that they act under.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(example = json!({ "product": ["anna", "ben"] }))]
    pub roles: BTreeMap<Name, Vec<String>>,
    /// The roles that may let a release go on in spite of a gate, a window or a freeze, with a reason. Absent: anybody
    /// may. Empty: nobody.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub override_roles: Option<Vec<Name>>,
}

/// How the release of a newly announced version starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Start {
    /// Somebody starts it.
    #[default]
    Manual,
    /// By itself, as soon as the version is announced.
    Automatic,
}

impl EnvironmentSpec {
    /// When something may begin here. Worth keeping: it is worked out from the windows once.
    pub fn calendar(&self) -> Calendar {
        Calendar::new(&self.windows, &self.freezes)
    }

    /// Whether somebody is in a role. Nobody is in a role that does not exist.
    pub fn has_role(&self, actor: &str, role: &Name) -> bool {
        self.roles.get(role).is_some_and(|people| people.iter().any(|person| person == actor))
    }

    /// Whether somebody may let a release go on in spite of a gate, a window or a freeze.
    pub fn may_override(&self, actor: &str) -> bool {
        match &self.override_roles {
            None => true,
            Some(roles) => roles.iter().any(|role| self.has_role(actor, role)),
        }
    }
}

/// One line of an environment's choice of policies.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyBinding {
    /// A CEL rule over `change`, `service` and `environment`. Absent: always.
    ///
    /// `change.level` is `major`, `minor`, `patch` or `other`; `change.from` and `change.to` are versions;
    /// `change.commit` and `change.image` are those of the new version, or null; `change.configOnly` is true when
    /// nothing but the configuration differs; `change.labels` are those that the version was announced with. Then there
    /// are `service.name`, `service.labels` and `environment.name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "change.level == 'patch'")]
    pub when: Option<Condition>,
    /// The policy to follow.
    pub r#use: Name,
}
