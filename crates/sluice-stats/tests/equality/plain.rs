//! The same counting and judging, written as plainly as the definitions read and without regard for speed: what the
//! crate is compared with, by tests for what it says and by a benchmark for what it costs.

#[path = "plain/evidence.rs"]
mod evidence;
#[path = "plain/histogram.rs"]
mod histogram;
#[path = "plain/pending.rs"]
mod pending;
#[path = "plain/ratio.rs"]
mod ratio;
#[path = "plain/times.rs"]
mod times;
#[path = "plain/window.rs"]
mod window;

pub(crate) use histogram::Histogram;
pub(crate) use ratio::RatioTest;
pub(crate) use times::QuantileTest;
pub(crate) use window::Window;
