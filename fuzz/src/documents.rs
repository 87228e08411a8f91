//! Documents in YAML and JSON.

use sluice_core::document::{parse_json, parse_yaml};

/// A document that is read, written as JSON and read again, as JSON and as YAML, is the same. What is not read has
/// problems with words, which lie within the text.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse_yaml(text) {
        Ok(documents) => {
            assert!(!documents.is_empty(), "no document, and no problem");
            for document in documents {
                let written = serde_json::to_value(&document).expect("documents are JSON");
                let read = parse_json(&written);
                assert_eq!(read.as_ref(), Ok(&document), "as JSON it is read otherwise: {written:#}");
                let read = parse_yaml(&written.to_string());
                assert_eq!(read.as_deref(), Ok(&[document][..]), "JSON is read otherwise as YAML: {written}");
            }
        }
        Err(problems) => {
            assert!(!problems.to_string().is_empty());
            // YAML breaks lines at a carriage return too.
            let lines = text.split(['\n', '\r']).count();
            for problem in &problems {
                assert!(problem.at.is_none_or(|at| at.line <= lines + 1), "{problem} of {lines} lines");
            }
        }
    }
    if let Ok(value) = serde_json::from_str(text)
        && let Err(problems) = parse_json(&value)
    {
        assert!(!problems.to_string().is_empty());
    }
}
