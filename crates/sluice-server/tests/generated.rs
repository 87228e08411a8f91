//! Files that are made from the code and kept in the repository are as the code would make them now. With
//! `SLUICE_UPDATE=1` they are written anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

#[track_caller]
fn assert_in_step(path: &str, wanted: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("SLUICE_UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, wanted).unwrap();
        return;
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is not what the code makes: run `SLUICE_UPDATE=1 cargo test -p sluice-server --test generated`"
    );
}

#[test]
fn openapi_json_is_in_step() {
    let mut text = sluice_server::openapi().to_pretty_json().unwrap();
    text.push('\n');
    assert_in_step("openapi.json", &text);
}

#[test]
fn errors_md_is_in_step() {
    assert_in_step("docs/errors.md", &sluice_server::error::reference());
}
