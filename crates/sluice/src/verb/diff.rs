//! `sluice diff`: what applying documents would change, as the server says in a dry run.

use std::fmt::Write;

use serde_json::{Value, json};
use sluice_engine::Resource;
use sluice_engine::resource::ApplyAction;

use crate::args::DiffArgs;
use crate::client::{Client, Error};
use crate::files::Input;
use crate::outcome::{Exit, Failure};
use crate::show::{for_programs, yaml};
use crate::terminal::Paint;
use crate::verb::Context;

/// How many unchanged lines are shown around changed ones.
const CONTEXT_LINES: usize = 3;

/// One line of a comparison.
#[derive(Debug, PartialEq, Eq)]
enum Line<'t> {
    Same(&'t str),
    Gone(&'t str),
    New(&'t str),
}

/// Shows what would change. Nothing is changed.
pub(crate) fn run(context: &mut Context, args: &DiffArgs) -> Result<Exit, Failure> {
    let input = Input::read(&args.files.files)?;
    let wanted = super::apply::send(&context.client, &input, true, context.notes.paint())?;
    let mut changes = Vec::new();
    let mut text = String::new();
    for document in wanted.iter().filter(|document| document.action != ApplyAction::Unchanged) {
        // In the place of a document that is created there may be a built-in one, which nobody wrote.
        let before = match document.action {
            ApplyAction::Created => None,
            ApplyAction::Changed | ApplyAction::Unchanged => current(&context.client, &document.resource)?,
        };
        let (old, new) = (before.as_ref().map(written), written(&document.resource));
        let title =
            context.out.paint().bold(&format!("{}: {}", document.resource.key(), action(document.action)));
        let old_text = old.as_ref().map(yaml::text_of).unwrap_or_default();
        // Writing into a string cannot fail.
        let _written = writeln!(
            text,
            "{title}\n{}",
            shown(&compare(&old_text, &yaml::text_of(&new)), context.out.paint())
        );
        changes.push(
            json!({ "key": document.resource.key(), "action": document.action, "before": old, "after": new }),
        );
    }
    if for_programs(&mut context.out, context.common.output, &json!({ "changes": changes }))? {
        return Ok(Exit::Done);
    }
    if changes.is_empty() {
        context.notes.line("nothing would change")?;
    }
    context.out.write(&text)?;
    Ok(Exit::Done)
}

fn action(action: ApplyAction) -> &'static str {
    match action {
        ApplyAction::Created => "would be created",
        ApplyAction::Changed => "would be changed",
        ApplyAction::Unchanged => "would stay as it is",
    }
}

fn current(client: &Client, wanted: &Resource) -> Result<Option<Resource>, Failure> {
    match client.get(wanted.kind, &wanted.metadata.name, wanted.metadata.environment.as_ref()) {
        Ok(resource) => Ok(Some(resource)),
        Err(Error::Refused(refusal)) if refusal.code == "not-found" => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What a person writes of a document: all but what the server adds.
fn written(resource: &Resource) -> Value {
    let metadata = &resource.metadata;
    let mut shown = json!({ "name": metadata.name });
    if let Some(environment) = &metadata.environment {
        shown["environment"] = json!(environment);
    }
    for (name, map) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
        if !map.is_empty() {
            shown[name] = json!(map);
        }
    }
    json!({ "apiVersion": resource.api_version, "kind": resource.kind, "metadata": shown, "spec": resource.spec })
}

/// Compares texts line by line by their longest common subsequence. Documents have at most some thousand lines, so
/// the quadratic table is small.
fn compare<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut longest = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            longest[i][j] = if old[i] == new[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || longest[i + 1][j] >= longest[i][j + 1]) {
            lines.push(Line::Gone(old[i]));
            i += 1;
        } else {
            lines.push(Line::New(new[j]));
            j += 1;
        }
    }
    lines
}

/// The changed lines with some around them; `⋮` where lines are left out.
fn shown(lines: &[Line<'_>], paint: Paint) -> String {
    let is_near_change = |index: usize| {
        let from = index.saturating_sub(CONTEXT_LINES);
        let to = (index + CONTEXT_LINES + 1).min(lines.len());
        lines[from..to].iter().any(|line| !matches!(line, Line::Same(_)))
    };
    let mut shown = Vec::new();
    let mut is_left_out = false;
    for (index, line) in lines.iter().enumerate() {
        if !is_near_change(index) {
            is_left_out = true;
            continue;
        }
        if std::mem::take(&mut is_left_out) {
            shown.push(paint.dim("  ⋮"));
        }
        shown.push(match line {
            Line::Same(text) => format!("  {text}"),
            Line::Gone(text) => paint.red(&format!("- {text}")),
            Line::New(text) => paint.green(&format!("+ {text}")),
        });
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_lines_and_their_neighbours_are_shown() {
        let old = "a\nb\nc\nd\ne\nf\ng\n";
        let new = "a\nb\nc\nd\ne\nF\ng\nh\n";
        assert_eq!(shown(&compare(old, new), Paint::plain()), "  ⋮\n  c\n  d\n  e\n- f\n+ F\n  g\n+ h");
        assert_eq!(shown(&compare("", "a\n"), Paint::plain()), "+ a");
        assert_eq!(shown(&compare("a\n", "a\n"), Paint::plain()), "");
    }
}
