//! `{{service}}`, `{{environment}}`, `{{version}}`, `{{from}}` and `{{until}}` in the texts of sources.

use sluice_core::{ServiceKey, Timestamp, VersionName};

/// What stands for a name.
pub(crate) struct Blanks<'a> {
    pub(crate) service: &'a ServiceKey,
    /// None where all versions are meant.
    pub(crate) version: Option<&'a VersionName>,
    /// From when until when, where a source is asked for a stretch of time.
    pub(crate) stretch: Option<(Timestamp, Timestamp)>,
}

impl Blanks<'_> {
    /// The text with every known name replaced by its value as `escape` writes it. What is not known, or has no value
    /// here, stays as it is; values are never read for names again.
    pub(crate) fn fill(&self, text: &str, escape: impl Fn(&str) -> String) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let (before, from) = rest.split_at(start);
            filled.push_str(before);
            let named = from.find("}}").and_then(|end| Some((end, self.value(from[2..end].trim())?)));
            let Some((end, value)) = named else {
                filled.push('{');
                rest = &from[1..];
                continue;
            };
            filled.push_str(&escape(&value));
            rest = &from[end + 2..];
        }
        filled + rest
    }

    fn value(&self, name: &str) -> Option<String> {
        match name {
            "service" => Some(self.service.name.to_string()),
            "environment" => Some(self.service.environment.to_string()),
            "version" => self.version.map(ToString::to_string),
            "from" => self.stretch.map(|(from, _)| from.to_string()),
            "until" => self.stretch.map(|(_, until)| until.to_string()),
            _ => None,
        }
    }
}

/// Whether a text names a blank.
pub(crate) fn names(text: &str, name: &str) -> bool {
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        rest = &rest[start + 2..];
        if rest.find("}}").is_some_and(|end| rest[..end].trim() == name) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> String {
        let service = ServiceKey { environment: "prod".parse().unwrap(), name: "shop".parse().unwrap() };
        let version = "1.0+a".parse().unwrap();
        let blanks = Blanks { service: &service, version: Some(&version), stretch: None };
        blanks.fill(text, |value| value.replace('+', "%2B"))
    }

    #[test]
    fn only_known_names_are_filled() {
        assert_eq!(fill("{{service}}-{{ version }}/{{environment}}"), "shop-1.0%2Ba/prod");
        assert_eq!(fill("a{b=\"{{version}}\"}"), "a{b=\"1.0%2Ba\"}");
        assert_eq!(fill("{{{version}} {{other}} {{from}} {{"), "{1.0%2Ba {{other}} {{from}} {{");
        assert!(names("x{{ version }}", "version") && !names("{{versions}} version", "version"));
    }
}
