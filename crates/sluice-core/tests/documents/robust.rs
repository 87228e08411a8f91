//! Whatever comes in, an answer comes out.

use proptest::prelude::*;
use sluice_core::condition::Condition;
use sluice_core::document::{parse_json, parse_yaml};

const GOOD: [&str; 3] = [
    include_str!("../../../../examples/canary.yaml"),
    include_str!("../../../../examples/segments.yaml"),
    include_str!("../../../../examples/environment.yaml"),
];

/// Good documents with a few places overwritten, cut out or repeated.
fn mutated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(String::new()),
        "[\\x00-\\x7f]{1,4}",
        ".{1,3}",
        Just("---\n".to_owned()),
        Just("&a ".to_owned()),
        Just("*a".to_owned()),
        Just("!!int ".to_owned()),
        Just("\"".to_owned()),
        Just("{".to_owned()),
        Just("\n\t".to_owned()),
        Just("null".to_owned()),
        Just("-1e999".to_owned()),
    ];
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, piece), 1..6);
    (0..GOOD.len(), edits).prop_map(|(which, edits)| {
        let mut text: Vec<char> = GOOD[which].chars().collect();
        for (at, length, piece) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

/// JSON of any shape, with the words of documents in it.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "kind",
        "metadata",
        "spec",
        "name",
        "Policy",
        "Service",
        "steps",
        "audience",
        "percent",
        "segment",
        "hold",
        "checks",
        "metric",
        "max",
        "http.errors",
        "compare",
        "stable",
        "routes",
        "versions",
        "endpoints",
        "unit",
        "visitor",
        "header",
        "source",
        "gateway",
        "responses",
        "policies",
        "when",
        "use",
        "match",
        "5%",
        "10m",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
        word.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((word.clone(), inner), 0..6).prop_map(|fields| {
                serde_json::Value::Object(
                    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
                )
            }),
        ]
    })
}

/// Rules made of the words of rules.
fn rule() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "request",
        "visitor",
        ".",
        "headers",
        "plan",
        "id",
        "['a']",
        "==",
        "!=",
        "&&",
        "||",
        "!",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "?",
        "'a'",
        "1",
        "1.5",
        "-",
        "+",
        "*",
        "/",
        "%",
        "in",
        "true",
        "null",
        "has",
        "size",
        "exists",
        "all",
        "matches",
        "startsWith",
        "x",
        "<",
        ">=",
        " ",
        "\n",
        "'",
        "\\",
        "é",
        "0x",
        "1u",
        "b'a'",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gives_documents_or_problems(text in "(?s).{0,200}") {
        let answer = parse_yaml(&text);
        prop_assert!(answer.is_err() || !answer.unwrap().is_empty());
    }

    #[test]
    fn a_broken_document_gives_problems_that_can_be_printed(text in mutated()) {
        if let Err(problems) = parse_yaml(&text) {
            prop_assert!(problems.iter().count() > 0);
            prop_assert!(!problems.to_string().is_empty());
            // YAML breaks lines at a carriage return too.
            let lines = text.split(['\n', '\r']).count();
            for problem in &problems {
                prop_assert!(problem.at.is_none_or(|at| at.line <= lines + 1), "{problem} of {lines} lines");
            }
        }
    }

    #[test]
    fn any_json_gives_a_document_or_problems(value in json()) {
        if let Err(problems) = parse_json(&value) {
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    #[test]
    fn any_rule_is_compiled_or_refused_with_a_reason(rule in rule()) {
        for compiled in [Condition::for_visitors(&rule), Condition::for_changes(&rule)] {
            if let Err(error) = compiled {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_text_is_a_rule_or_refused(rule in "(?s).{0,60}") {
        prop_assert!(Condition::for_visitors(&rule).is_ok_and(|c| c.source() == rule)
            || Condition::for_visitors(&rule).is_err());
    }
}

#[test]
fn long_and_deep_rules_take_little_stack() {
    let shapes: [(&str, &str, &str); 9] = [
        ("(", "true", ")"),
        ("!", "true", ""),
        ("[", "1", "]"),
        ("{'a':", "1", "}"),
        ("", "1", "?1:2"),
        ("", "visitor", ".a"),
        ("", "visitor", "[0]"),
        ("", "true", "==true"),
        ("[1].all(x,", "true", ")"),
    ];
    // Half of what a thread of a server usually has, in a build without optimisation.
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
        for (before, middle, after) in shapes {
            for count in [30, 300, 2_000] {
                let count = count.min(2_000 / (before.len() + after.len()) - 1);
                let rule = format!("{}{middle}{}", before.repeat(count), after.repeat(count));

                drop(Condition::for_visitors(&rule));
            }
        }
    });
    thread.unwrap().join().unwrap();
}
