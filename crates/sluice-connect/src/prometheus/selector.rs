//! PromQL from names and labels, so that no value of a label can become anything else than a value.

use crate::matcher::{Condition, Matchers};

/// A selector of series, as `name{label="value"}`.
pub(crate) fn selector(name: &str, matchers: &Matchers) -> String {
    let mut parts = Vec::new();
    let is_plain_name = is_plain(name, ":");
    if !is_plain_name {
        parts.push(format!("__name__={}", quoted(name)));
    }
    for (label, condition) in matchers.conditions() {
        // Names with dots and the like are quoted, as Prometheus writes them since version 3.
        let label = if is_plain(label, "") { label.to_owned() } else { quoted(label) };
        parts.push(match condition {
            Condition::Equal(value) => format!("{label}={}", quoted(value)),
            Condition::Matching(pattern) => format!("{label}=~{}", quoted(pattern)),
        });
    }
    format!("{}{{{}}}", if is_plain_name { name } else { "" }, parts.join(","))
}

/// Whether a name needs no quotes: letters, digits, `_` and what is `allowed` beside them.
fn is_plain(name: &str, allowed: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_' || allowed.contains(c);
    name.starts_with(is_letter) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// A text in double quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text as it stands between double quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\'' => escaped.push_str("\\'"),
            '\n' => escaped.push_str("\\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sluice_core::ServiceKey;

    use super::*;
    use crate::template::Blanks;

    fn written(name: &str, labels: &[(&str, &str)]) -> String {
        let service = ServiceKey { environment: "prod".parse().unwrap(), name: "shop".parse().unwrap() };
        let version = "1.0+a".parse().unwrap();
        let blanks = Blanks { service: &service, version: Some(&version), stretch: None };
        let labels: BTreeMap<_, _> = labels.iter().map(|(l, v)| ((*l).to_owned(), (*v).to_owned())).collect();
        selector(name, &Matchers::new(&labels, &blanks).unwrap())
    }

    #[test]
    fn no_value_can_end_its_quotes() {
        assert_eq!(
            written("a_total", &[("app", "x\"} or up{y=\"\\"), ("version", "~{{version}}|dev")]),
            r#"a_total{app="x\"} or up{y=\"\\",version=~"1\\.0\\+a|dev"}"#
        );
    }

    #[test]
    fn names_that_are_not_plain_are_quoted() {
        assert_eq!(written("job:a:rate5m", &[]), "job:a:rate5m{}");
        assert_eq!(
            written("http.server.duration", &[("service.version", "{{version}}")]),
            r#"{__name__="http.server.duration","service.version"="1.0+a"}"#
        );
    }
}
