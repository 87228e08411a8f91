//! How visitors are told apart, and what is known of them.

use serde::Serialize;
use utoipa::ToSchema;

/// One place in a request. Written `header: NAME`, `cookie: NAME` or `claim: PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum UnitSource {
    /// The value of a request header, name in lower case.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
    /// A claim of the visitor's verified token: `sub`, or `realm.role` for one within another.
    Claim(String),
}

impl UnitSource {
    /// Where the unit is found when a service does not say: the header `x-user-id`, which what stands before the
    /// gateway may set for people who have signed in, and else a cookie of Sluice's own.
    pub fn default_order() -> Vec<UnitSource> {
        vec![UnitSource::Header("x-user-id".to_owned()), UnitSource::Cookie("sluice_unit".to_owned())]
    }
}

/// Where a visitor's attribute is read. Written `header: NAME`, `cookie: NAME`, `query: NAME` or `claim: PATH`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttributeSource {
    /// The value of a request header, name in lower case.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
    /// The value of a query parameter.
    Query(String),
    /// A claim of the visitor's verified token: `plan`, or `realm.role` for one within another.
    Claim(String),
}
