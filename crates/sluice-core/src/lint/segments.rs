//! Segments that nobody is in.

use std::collections::BTreeSet;

use super::{Look, Severity};
use crate::Name;
use crate::document::check::segments_of;
use crate::document::problem::nearest;

impl Look<'_> {
    pub(super) fn segments(&mut self) {
        let declared: BTreeSet<&str> = self
            .around
            .services
            .iter()
            .flat_map(|(_, service)| service.visitor.keys())
            .map(String::as_str)
            .collect();
        let mut told: BTreeSet<&Name> = BTreeSet::new();
        let policy = self.policy;
        for (path, segment) in segments_of(policy) {
            if !told.insert(segment) {
                continue;
            }
            let Some(spec) = self.around.segments.get(segment) else {
                self.no_segment(path, segment);
                continue;
            };
            let is_excluded = path.contains("exclude");
            let so = if is_excluded { "nobody is kept out by it" } else { "nobody is taken in by it" };
            if !spec.r#match.may_hold(|_| true) {
                let text = format!("nobody can be in `{segment}`, so that {so}: {}", spec.r#match.source());
                let hint = "its rule contradicts itself";
                self.find_and(Severity::Warning, "segment-matches-nobody", path, text, hint);
                continue;
            }
            // Where there is no service yet, nothing can be missing.
            let undeclared: Vec<&str> = match self.around.services.is_empty() {
                true => Vec::new(),
                false => {
                    let names = spec.r#match.attributes().iter().map(String::as_str);
                    names.filter(|name| !declared.contains(name)).collect()
                }
            };
            let Some(first) = undeclared.first() else { continue };
            let hint = format!("declare it in the Service: visitor: {{ {first}: {{ cookie: {first} }} }}");
            let names: Vec<String> = undeclared.iter().map(|name| format!("`visitor.{name}`")).collect();
            let what = format!("no service says where {} is read", names.join(" and "));
            let (code, text) = match spec.r#match.may_hold(|name| declared.contains(name)) {
                false => {
                    ("segment-matches-nobody", format!("nobody is in `{segment}`, so that {so}: {what}"))
                }
                true => ("undeclared-attribute", format!("`{segment}` may hold others than meant: {what}")),
            };
            self.find_and(Severity::Warning, code, path, text, hint);
        }
    }

    fn no_segment(&mut self, path: String, segment: &Name) {
        let names: Vec<&str> = self.around.segments.keys().map(Name::as_str).collect();
        let text = format!("there is no segment `{segment}`, so that nobody is in it");
        let hint = match nearest(segment.as_str(), &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "apply a Segment of that name".to_owned(),
        };
        self.find_and(Severity::Error, "unknown-segment", path, text, hint);
    }
}
