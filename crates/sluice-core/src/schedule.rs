//! How a release would go.

pub(crate) mod evidence;

use serde::Serialize;
use utoipa::ToSchema;

use crate::Timestamp;
use crate::calendar::Calendar;
use crate::release::Plan;

/// How a release would go.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// The earliest end.
    pub ends_at: Option<Timestamp>,
}

/// How a release would go.
pub fn schedule(_plan: &Plan, _calendar: &Calendar, _rate: Option<f64>, _now: Timestamp) -> Schedule {
    Schedule { ends_at: None }
}
