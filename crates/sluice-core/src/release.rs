//! How a release lives: one enum of phases, one pure and total [`step`].

pub mod status;
