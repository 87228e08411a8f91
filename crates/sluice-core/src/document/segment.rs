//! `Segment`: a named set of visitors.

use serde::Serialize;
use utoipa::ToSchema;

use crate::condition::Condition;

/// A named set of visitors, as a rule over their attributes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SegmentSpec {
    /// A CEL rule over `request` and `visitor`; a visitor for whom it is true is in the segment.
    #[schema(value_type = String, example = "visitor.plan != 'enterprise' && request.headers['x-country'] in ['NL', 'BE']")]
    pub r#match: Condition,
    /// What the segment is for, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
