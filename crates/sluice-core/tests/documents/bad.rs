//! Every bad document in `bad/`, with what is said about it in the file beside it. Run with `UPDATE_EXPECT=1` to
//! write the messages anew, and read them as somebody would who is tired.

use std::path::Path;

use expect_test::expect_file;
use sluice_core::document::{parse_json, parse_yaml};

use crate::files;

#[test]
fn what_is_wrong_is_said_with_its_place_and_its_mend() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents/bad");
    for path in files(&folder, "yaml") {
        let text = std::fs::read_to_string(&path).unwrap();
        let said = match parse_yaml(&text) {
            Ok(_) => panic!("{} was taken", path.display()),
            Err(problems) => format!("{problems}\n"),
        };
        expect_file![path.with_extension("txt")].assert_eq(&said);
    }
}

#[test]
fn a_body_without_lines_is_told_by_path() {
    let body = serde_json::json!({
        "kind": "Service",
        "metadata": { "name": "checkout" },
        "spec": { "routes": [{ "path": "/" }], "versions": [{ "name": 2.1, "endpoints": null }] },
    });
    let problems = parse_json(&body).unwrap_err();
    expect_test::expect![[r#"
        Service checkout: spec.versions[0].name: expected the name of a version, but 2.1 reads as a number
          put it in quotes: "2.1"
        Service checkout: spec.versions[0].endpoints: expected a list, but nothing is given
          give a value, or leave the field out"#]]
    .assert_eq(&problems.to_string());
}

#[test]
fn a_problem_carries_its_parts_for_programs() {
    let problems = parse_yaml("kind: Policy\nmetadata: { name: p }\nspec: { stepz: [] }\n").unwrap_err();
    let told = serde_json::to_value(&problems).unwrap();
    assert_eq!(
        told[1],
        serde_json::json!({
            "code": "unknown-field",
            "document": "Policy p",
            "path": "spec.stepz",
            "at": { "line": 3, "column": 9 },
            "given": "stepz",
            "message": "there is no field `stepz` here",
            "accepted":
                "description, steps, excludeUntilEnd, checks, onFail, onInconclusive, onNewer, keepPrevious, \
                 readyWithin",
            "hint": "did you mean `steps`?",
        })
    );
    assert_eq!(told[0]["code"], "missing-field");
}

#[test]
fn reading_goes_on_after_a_document_that_cannot_be_read() {
    let text =
        "kind: Segment\n\tmetadata: x\n---\nkind: Segment\nmetadata: { name: a }\nspec: { match: 'tru' }\n";
    let problems = parse_yaml(text).unwrap_err();
    let lines: Vec<_> = problems.iter().filter_map(|problem| problem.at).map(|at| at.line).collect();
    assert_eq!(lines, [1, 6]);
    assert!(problems.to_string().contains("indent with spaces"), "{problems}");
}

#[test]
fn a_text_that_is_too_large_or_grows_too_large_is_refused() {
    let large = format!("# {}\n", "x".repeat(1 << 20));
    assert_eq!(parse_yaml(&large).unwrap_err().iter().next().unwrap().code, "too-large");

    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        laughs.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 9].join(", ")));
    }
    assert_eq!(parse_yaml(&laughs).unwrap_err().iter().next().unwrap().code, "too-large");

    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(parse_yaml(&deep).unwrap_err().iter().next().unwrap().code, "too-deep");
    let mut value = serde_json::json!(1);
    for _ in 0..200 {
        value = serde_json::json!([value]);
    }
    assert_eq!(parse_json(&value).unwrap_err().iter().next().unwrap().code, "too-deep");
}

#[test]
fn anchors_save_writing() {
    let text = "
kind: Policy
metadata: { name: p }
spec:
  steps:
    - { name: a, audience: &staff [ { segment: employees } ], hold: &long { time: 1h } }
    - { name: b, audience: *staff, hold: *long }
";
    let documents = parse_yaml(text).unwrap();
    let sluice_core::document::Spec::Policy(policy) = &documents[0].spec else { panic!("{documents:?}") };
    assert_eq!(policy.steps[1].work, policy.steps[0].work);
}
