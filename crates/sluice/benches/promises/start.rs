//! How long until the server serves, and how large the binary is.

use tokio::runtime::Runtime;

use crate::quantile;
use crate::server::{Server, binary};

const STARTS: usize = 20;

pub(crate) fn run(_runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let mut millis: Vec<f64> =
        (0..STARTS).map(|_| Server::start(folder.path()).1.as_secs_f64() * 1000.0).collect();
    let (median, worst) = (quantile(&mut millis, 0.5), quantile(&mut millis, 1.0));
    println!("ready after start: median {median:.0} ms, worst {worst:.0} ms of {STARTS} (promised: 1000 ms)");
    let bytes = std::fs::metadata(binary()).unwrap().len();
    println!("binary: {:.1} MB (promised: 40 MB)", bytes as f64 / 1e6);
}
