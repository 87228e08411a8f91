//! What the demo shows: on a terminal a live picture, else a line for each thing that happens.

use sluice_core::release::status::PhaseName;

use crate::args::Color;
use crate::demo::story::{Act, Outcome};
use crate::demo::tally::Findings;
use crate::outcome::Failure;
use crate::show::release::{Release, Unread, bar, timeline_line};
use crate::show::table::Table;
use crate::terminal::Screen;

/// How many entries of the timeline the picture shows.
const ENTRIES_SHOWN: usize = 5;

/// Standard output, as the demo uses it.
pub(crate) struct Stage {
    screen: Screen,
    unread: Unread,
}

impl Stage {
    /// An empty stage.
    pub(crate) fn new(color: Color) -> Stage {
        Stage { screen: Screen::stdout(color), unread: Unread::default() }
    }

    /// Says a line.
    pub(crate) fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.screen.line(text)
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&mut self, text: &str) -> Result<(), Failure> {
        self.unread = Unread::default();
        let heading = self.screen.paint().bold(text);
        self.screen.write(&format!("\n{heading}\n"))
    }

    /// Shows where a release stands and what visitors see of it.
    pub(crate) fn show(&mut self, release: &Release, seen: &Findings) -> Result<(), Failure> {
        let paint = self.screen.paint();
        if self.screen.is_terminal() {
            let mut lines = release.lines(paint, ENTRIES_SHOWN);
            let share = seen.exposed as f64 / seen.visitors.max(1) as f64;
            lines.push(format!(
                "  {} {} {} of {} people met {}, {} of {} requests failed",
                paint.dim("people "),
                bar(share),
                seen.exposed,
                seen.visitors,
                release.status.to,
                seen.failed,
                seen.requests
            ));
            return self.screen.draw(&lines);
        }
        for entry in self.unread.of(&release.status.timeline) {
            self.screen.line(&timeline_line(entry, paint))?;
        }
        Ok(())
    }

    /// Leaves the picture as it is; what follows comes below.
    pub(crate) fn leave(&mut self) {
        self.screen.leave();
    }

    /// Shows how it all went.
    pub(crate) fn end(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        let mut table = Table::new(&["", "BAD", "GOOD"]);
        let mut row = |label: &str, cell: &dyn Fn(&Act) -> String| {
            let cells = outcome.acts.iter().map(cell);
            table.row(std::iter::once(label.to_owned()).chain(cells).collect());
        };
        row("version", &|act| act.version.to_owned());
        row("how it ended", &|act| format!("{:?}", act.phase));
        row("visitors exposed", &|act| format!("{} of {}", act.findings.exposed, act.findings.visitors));
        row("failed requests that visitors saw", &|act| {
            format!("{} of {}", act.findings.failed, act.findings.requests)
        });
        row("seconds from the first bad response to all traffic back", &|act| match act
            .findings
            .first_bad_to_last_met
        {
            Some(span) if act.phase == PhaseName::RolledBack => {
                format!("{:.1}", span.as_millis() as f64 / 1000.0)
            }
            _ => "-".to_owned(),
        });
        row("visitors who flipped", &|act| act.findings.flipped.to_string());
        row("seconds that the release took", &|act| format!("{:.0}", act.took.as_secs_f64()));
        let lines = table.lines(self.screen.paint(), None);
        self.screen.write(&format!("\n{}\n", lines.join("\n")))
    }
}
