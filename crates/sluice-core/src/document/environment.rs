//! `Environment`: staging, production …; binds policies.

use serde::Serialize;
use utoipa::ToSchema;

use crate::Name;
use crate::condition::Condition;

/// Where services run, and which policy their releases follow there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// What the environment is for, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which policy a release follows when it names none: the first line that matches. The built-in `canary` when
    /// no line does.
    pub policies: Vec<PolicyBinding>,
}

/// One line of an environment's choice of policies.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyBinding {
    /// A CEL rule over `change` (`change.level` is `major`, `minor`, `patch` or `other`; `change.from`, `change.to`)
    /// and `service` (`service.name`, `service.labels`). Absent: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "change.level == 'patch'")]
    pub when: Option<Condition>,
    /// The policy to follow.
    pub r#use: Name,
}
