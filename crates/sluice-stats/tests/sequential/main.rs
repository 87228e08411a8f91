//! What the tests promise, checked on simulated releases of which the truth is known. All draws are seeded.

mod allocations;
mod clumps;
mod comparisons;
mod draws;
mod kept_times;
mod means;
mod pasts;
mod scenarios;
mod streams;
mod ticks;

mod delays;
mod false_alarms;
mod limits;
mod numbers;
mod promises;
mod shares;
mod sizes;
