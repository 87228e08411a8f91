//! `sluice analyze`: the tests as a tool, for people's own data.
//!
//! Reads lines from standard input and answers each batch with a line. Answers are written out whenever no whole line
//! waits any more, so that whoever asks and waits for the answer gets it, and whoever sends a file gets it fast.

mod arms;
mod compare;
mod fault;
mod line;
mod question;
mod ramp;
mod sides;
mod stream;

use std::io::{self, Read, Write};

use self::fault::Fault;
use self::line::Line;
use self::stream::Stream;
use crate::args::AnalyzeArgs;
use crate::outcome::{Exit, Failure};

/// How much is read at once.
const READ: usize = 256 * 1024;
/// How much is written at once, at least, while lines wait.
const WRITE: usize = 256 * 1024;
/// A line longer than this is a mistake, and would fill the memory.
const LINE_MAX: usize = 64 * 1024 * 1024;

/// Answers standard input on standard output, to its end.
///
/// # Errors
/// With the first line that makes no sense, after everything before it is answered.
pub(crate) fn run(args: &AnalyzeArgs) -> Result<Exit, Failure> {
    answer(&mut io::stdin().lock(), &mut io::stdout().lock(), args.non_inferiority)?;
    Ok(Exit::Done)
}

fn answer(input: &mut dyn Read, output: &mut dyn Write, is_pass_wanted: bool) -> Result<(), Failure> {
    let mut session =
        Session { is_pass_wanted, stream: None, line: 0, answers: Vec::with_capacity(2 * WRITE) };
    let mut held = vec![0; READ];
    let mut filled = 0;
    loop {
        let read = read(input, &mut held[filled..])?;
        filled += read;
        let taken = match read {
            // The last line may have no end.
            0 => session.take_all(&held[..filled], output).map(|()| filled)?,
            _ => session.take_lines(&held[..filled], filled - read, output)?,
        };
        session.write(output)?;
        if read == 0 {
            return Ok(());
        }
        held.copy_within(taken..filled, 0);
        filled -= taken;
        if filled == held.len() {
            if filled >= LINE_MAX {
                let fault = Fault::new("", "this line does not end within 64 MB", "write one object a line");
                return Err(session.failure(session.line + 1, &fault));
            }
            held.resize(2 * filled, 0);
        }
    }
}

fn read(input: &mut dyn Read, to: &mut [u8]) -> Result<usize, Failure> {
    loop {
        match input.read(to) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => {
                return read.map_err(|error| {
                    Failure::new(Exit::Configuration, "standard input cannot be read").because(&error)
                });
            }
        }
    }
}

/// What is going on between input and output.
struct Session {
    is_pass_wanted: bool,
    stream: Option<Stream>,
    /// How many lines were read.
    line: u64,
    /// What is not yet written out.
    answers: Vec<u8>,
}

impl Session {
    /// Takes in every whole line; no line ends before `from`. Returns how much that was.
    fn take_lines(&mut self, text: &[u8], from: usize, output: &mut dyn Write) -> Result<usize, Failure> {
        let (mut start, mut searched) = (0, from);
        while let Some(length) = text[searched..].iter().position(|byte| *byte == b'\n') {
            let end = searched + length;
            self.take(&text[start..end], output)?;
            (start, searched) = (end + 1, end + 1);
        }
        Ok(start)
    }

    /// Takes in what is left at the end of the input.
    fn take_all(&mut self, text: &[u8], output: &mut dyn Write) -> Result<(), Failure> {
        if text.is_empty() { Ok(()) } else { self.take(text, output) }
    }

    fn take(&mut self, line: &[u8], output: &mut dyn Write) -> Result<(), Failure> {
        self.line += 1;
        match self.take_line(line) {
            Err(fault) => {
                self.write(output)?;
                Err(self.failure(self.line, &fault))
            }
            Ok(()) if self.answers.len() >= WRITE => self.write(output),
            Ok(()) => Ok(()),
        }
    }

    fn take_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        match serde_json::from_slice(line).map_err(|error| fault::of_line(line, &error))? {
            Line::Config(config) => {
                self.stream = Some(Stream::new(&config, self.is_pass_wanted)?);
                Ok(())
            }
            Line::Batch(batch) => match &mut self.stream {
                Some(stream) => stream.answer(&batch, &mut self.answers),
                None => Err(Fault::new(
                    "batch",
                    "comes before any `config`",
                    "begin with a line {\"config\":{…}} that says what is tested",
                )),
            },
        }
    }

    fn write(&mut self, output: &mut dyn Write) -> Result<(), Failure> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let written = output.write_all(&self.answers).and_then(|()| output.flush());
        self.answers.clear();
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::broken_pipe(),
            _ => Failure::new(Exit::Configuration, "the output cannot be written").because(&error),
        })
    }

    fn failure(&self, line: u64, fault: &Fault) -> Failure {
        Failure::new(Exit::Configuration, format!("line {line}: {fault}")).hint(fault.mend())
    }
}
