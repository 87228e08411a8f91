//! What the tests promise, checked on simulated releases of which the truth is known. All draws are seeded.

mod draws;
mod scenarios;
mod streams;

mod delays;
mod false_alarms;
mod numbers;
mod sizes;
