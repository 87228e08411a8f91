//! Compiles the crate anew when the dashboard was built anew.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let web = Path::new("../../web");
    let dist = web.join("dist");
    // Cargo takes a watched path that does not exist for one that has just changed, and would compile this crate every
    // time. An empty folder can be watched; where none can be made, nobody will build a dashboard either.
    if web.is_dir() && (dist.is_dir() || std::fs::create_dir(&dist).is_ok()) {
        println!("cargo::rerun-if-changed=../../web/dist");
    }
}
