//! One suite for each port: what every implementation of it must do.

pub mod history;
pub mod store;
