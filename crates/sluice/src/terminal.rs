//! What the terminal can do: colour, width, and lines that are drawn again.
//!
//! Nothing is said by colour alone.

use std::io::{self, IsTerminal, Write};

use rustix::termios::tcgetwinsize;

use crate::args::Color;
use crate::outcome::Failure;

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    is_on: bool,
}

impl Paint {
    /// Leaves text as it is.
    #[cfg(test)]
    pub(crate) const fn plain() -> Paint {
        Paint { is_on: false }
    }

    /// Colours as asked; with `auto`, on a terminal and unless `NO_COLOR` is set to anything.
    pub(crate) fn new(choice: Color, is_terminal: bool) -> Paint {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Paint {
            is_on: match choice {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => is_terminal && !is_unwanted,
            },
        }
    }

    /// Whether it colours.
    pub(crate) fn is_on(self) -> bool {
        self.is_on
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.is_on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }
}

/// The width of text that is neither a terminal's nor asked for.
const PLAIN_WIDTH: usize = 100;

/// A place to write to: standard output or standard error.
pub(crate) struct Screen {
    to: Box<dyn Write + Send>,
    is_terminal: bool,
    width: Option<usize>,
    paint: Paint,
    /// How many lines of the last frame are on the screen and may be drawn over.
    drawn: usize,
}

impl Screen {
    /// Standard output: data.
    pub(crate) fn stdout(color: Color) -> Screen {
        let is_terminal = io::stdout().is_terminal();
        let width = tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
        Screen::over(Box::new(io::stdout()), color, is_terminal, width)
    }

    /// Standard error: everything else.
    pub(crate) fn stderr(color: Color) -> Screen {
        let is_terminal = io::stderr().is_terminal();
        let width = tcgetwinsize(io::stderr()).ok().map(|size| usize::from(size.ws_col));
        Screen::over(Box::new(io::stderr()), color, is_terminal, width)
    }

    fn over(to: Box<dyn Write + Send>, color: Color, is_terminal: bool, width: Option<usize>) -> Screen {
        Screen {
            to,
            is_terminal,
            width: width.filter(|width| is_terminal && *width >= 20),
            paint: Paint::new(color, is_terminal),
            drawn: 0,
        }
    }

    /// Whether lines can be drawn again.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// How wide text may be.
    pub(crate) fn width(&self) -> usize {
        self.width.unwrap_or(PLAIN_WIDTH)
    }

    /// The colours for it.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// [`Failure::broken_pipe`] when the reader went away; any other error is one of the machine.
    pub(crate) fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.drawn = 0;
        self.to
            .write_all(text.as_bytes())
            .and_then(|()| self.to.flush())
            .map_err(|error| write_failure(&error))
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.write(&format!("{text}\n"))
    }

    /// Draws lines over the last frame. Only for terminals.
    pub(crate) fn draw(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut frame = String::new();
        if self.drawn > 0 {
            // Up to the first line of the last frame, and clear to the end of the screen.
            frame.push_str(&format!("\x1b[{}A\x1b[J", self.drawn));
        }
        for line in lines {
            frame.push_str(&cut(line, self.width()));
            frame.push('\n');
        }
        self.write(&frame)?;
        self.drawn = lines.len();
        Ok(())
    }

    /// Leaves the last frame on the screen: what is drawn next comes below it.
    pub(crate) fn leave(&mut self) {
        self.drawn = 0;
    }
}

fn write_failure(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::broken_pipe();
    }
    Failure::new(crate::outcome::Exit::Configuration, "the output cannot be written").because(error)
}

/// Cuts a line to a width in characters, escape sequences not counted, so that drawing over it finds it on one line.
pub(crate) fn cut(line: &str, width: usize) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut taken = 0;
    let mut is_escape = false;
    let mut is_coloured = false;
    for c in line.chars() {
        if is_escape {
            shown.push(c);
            is_escape = c != 'm';
            continue;
        }
        if c == '\x1b' {
            is_escape = true;
            is_coloured = true;
            shown.push(c);
            continue;
        }
        if taken + 1 == width && line_is_longer(line, width) {
            shown.push('…');
            if is_coloured {
                shown.push_str("\x1b[0m");
            }
            return shown;
        }
        shown.push(c);
        taken += 1;
    }
    shown
}

fn line_is_longer(line: &str, width: usize) -> bool {
    visible_width(line) > width
}

/// How many characters a line shows.
pub(crate) fn visible_width(line: &str) -> usize {
    let mut is_escape = false;
    line.chars()
        .filter(|c| {
            let is_shown = !is_escape && *c != '\x1b';
            is_escape = if is_escape { *c != 'm' } else { *c == '\x1b' };
            is_shown
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_by_what_it_shows_and_keeps_no_colour_open() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("\x1b[31mabcdef\x1b[0m", 6), "\x1b[31mabcdef\x1b[0m");
        assert_eq!(cut("\x1b[31mabcdef\x1b[0m", 4), "\x1b[31mabc…\x1b[0m");
        assert_eq!(visible_width("\x1b[31mäöü\x1b[0m!"), 4);
    }
}
