//! What a policy lacks as a whole.

use super::{Look, Severity};
use crate::Span;

impl Look<'_> {
    pub(super) fn whole(&mut self) {
        if self.policy.checks.is_empty() {
            let text = "nothing is watched: only time and people stop a bad version".to_owned();
            let hint = "begin with - { metric: http.errors, max: 5% }";
            self.find_and(Severity::Warning, "no-checks", "spec.checks", text, hint);
        }
        if self.policy.keep_previous == Span::ZERO {
            let text =
                "the previous version is not kept: nobody can be taken back once everyone has the new one";
            let hint = "keep it for a while, as keepPrevious: 1h";
            self.find_and(
                Severity::Warning,
                "nothing-to-return-to",
                "spec.keepPrevious",
                text.to_owned(),
                hint,
            );
        }
    }
}
