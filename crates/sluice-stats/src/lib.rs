//! Counting and judging: histograms, windows and sequential tests. Pure, streaming, mergeable.

pub mod histogram;

pub use histogram::Histogram;
