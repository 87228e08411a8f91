//! Counting and judging: histograms, windows and sequential tests. Pure, streaming, mergeable.
//!
//! Nothing here reads a clock, draws a random number or keeps a raw observation. Every state is of constant size and
//! can be stored and read back at any moment.

pub mod allocation;
pub mod bands;
mod block;
mod evidence;
pub mod histogram;
pub mod interval;
pub mod mean;
pub mod past;
pub mod quantile;
pub mod rate;
pub mod ratio;
pub mod trials;
pub mod two_sided;
pub mod window;

pub use allocation::AllocationTest;
pub use histogram::Histogram;
pub use mean::{MeanTest, Worse};
pub use past::PastTest;
pub use quantile::QuantileTest;
pub use rate::{Events, RateTest};
pub use ratio::{Margin, RatioTest};
pub use trials::{Arms, Trials};
pub use two_sided::{Sequential, TwoSided};
pub use window::{Merge, Window};
