//! One stream: what it asks, what was proved so far, and its answers.

use std::io::Write;

use sluice_stats::interval::Interval;

use super::compare::{Judge, judge};
use super::fault::Fault;
use super::line::{Batch, Config, Kind};
use super::question::Question;

/// Beyond this, evidence is told as "more than a million".
const LN_MILLION: f64 = 13.815_510_557_964_274;

/// What is proved. Stopped is for good; passed is, unless it is stopped later.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Continue,
    Pass { at: u64 },
    Stop { at: u64, log_e: f64 },
}

/// A stream.
pub(super) struct Stream {
    /// How every answer begins, up to the number of the batch.
    before_seq: Vec<u8>,
    question: Question,
    claim: String,
    /// What is compared, as the subject of a sentence.
    subject: &'static str,
    /// How much evidence is needed.
    needed: String,
    judge: Box<dyn Judge>,
    seq: Option<u64>,
    verdict: Verdict,
    /// What the last answer told, and how.
    told: Option<Told>,
    text: Vec<u8>,
}

/// What an answer tells beside the counts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Told {
    verdict: Verdict,
    log_e: f64,
    p: f64,
    interval: Option<Interval>,
    is_comparable: bool,
}

impl Stream {
    /// A stream without data.
    ///
    /// # Errors
    /// With the field that cannot be.
    pub(super) fn new(config: &Config<'_>, is_pass_wanted: bool) -> Result<Stream, Fault> {
        let question = Question::new(config, is_pass_wanted)?;
        let subject = match question.kind {
            Kind::Proportion => "rate is",
            Kind::Count => "rate of events is",
            Kind::Latency => "times are",
            Kind::Allocation => "share is",
        };
        Ok(Stream {
            before_seq: format!("{{\"id\":{},\"seq\":", serde_json::Value::from(config.id.as_ref()))
                .into_bytes(),
            claim: question.claim(),
            subject,
            needed: short(1.0 / question.alpha),
            judge: judge(&question),
            question,
            seq: None,
            verdict: Verdict::Continue,
            told: None,
            text: Vec::new(),
        })
    }

    /// Takes in a batch and writes the answer, a line of JSON.
    ///
    /// # Errors
    /// With what cannot be. Nothing was taken in or written then.
    pub(super) fn answer(&mut self, batch: &Batch, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.check(batch)?;
        self.judge.take(batch)?;
        self.seq = Some(batch.seq);
        let (log_e, p) = (self.judge.log_e(), self.judge.p());
        self.decide(batch.seq, log_e, p);
        // Writing to memory cannot fail.
        self.write(batch.seq, log_e, p, out).expect("memory takes every answer");
        Ok(())
    }

    fn check(&self, batch: &Batch) -> Result<(), Fault> {
        if let Some(before) = self.seq.filter(|before| batch.seq <= *before) {
            let why = match batch.seq == before {
                true => format!("is {before} again"),
                false => format!("is {}, which goes back from {before}", batch.seq),
            };
            return Err(Fault::new(
                "batch.seq",
                why,
                "each batch has a greater number than the one before: what came late cannot be taken in",
            ));
        }
        if !(0.0..=1.0).contains(&batch.weight) {
            let mend = "it is the share of traffic that the candidate was given: 0.05 for 5 %";
            return Err(Fault::new("batch.weight", format!("is {}, which is no share", batch.weight), mend));
        }
        Ok(())
    }

    fn decide(&mut self, seq: u64, log_e: f64, p: f64) {
        let alpha = self.question.alpha;
        match self.verdict {
            Verdict::Stop { .. } => {}
            // A peak between two looks counts too; the evidence that is told is at least what was needed.
            _ if p <= alpha => self.verdict = Verdict::Stop { at: seq, log_e: log_e.max(-p.ln()) },
            Verdict::Continue if self.judge.p_kept() <= alpha => self.verdict = Verdict::Pass { at: seq },
            Verdict::Continue | Verdict::Pass { .. } => {}
        }
    }

    fn write(&mut self, seq: u64, log_e: f64, p: f64, out: &mut Vec<u8>) -> std::io::Result<()> {
        out.extend_from_slice(&self.before_seq);
        serde_json::to_writer(&mut *out, &seq)?;
        let told = Told {
            verdict: self.verdict,
            log_e,
            p,
            interval: self.judge.estimate(),
            is_comparable: self.judge.is_comparable(),
        };
        // Evidence is settled in blocks, so most small batches change nothing that is told but the counts.
        if self.told != Some(told) {
            let mut text = std::mem::take(&mut self.text);
            text.clear();
            self.describe(&told, &mut text)?;
            (self.text, self.told) = (text, Some(told));
        }
        out.extend_from_slice(&self.text);
        if told.is_comparable {
            self.judge.tell(out)?;
            out.push(b'.');
        }
        out.extend_from_slice(b"\"}\n");
        Ok(())
    }

    /// An answer from its verdict up to the counts.
    fn describe(&self, told: &Told, out: &mut Vec<u8>) -> std::io::Result<()> {
        let verdict = match told.verdict {
            Verdict::Continue => "continue",
            Verdict::Pass { .. } => "pass",
            Verdict::Stop { .. } => "stop",
        };
        write!(out, ",\"verdict\":\"{verdict}\"")?;
        number(out, "log_e", Some(told.log_e))?;
        number(out, "p", Some(told.p))?;
        number(out, "estimate", told.interval.map(|interval| interval.estimate))?;
        number(out, "low", told.interval.map(|interval| interval.low))?;
        number(out, "high", told.interval.map(|interval| interval.high))?;
        out.extend_from_slice(b",\"reason\":\"");
        self.reason(told, out)
    }

    /// One plain sentence up to the counts, of letters that need no quoting.
    fn reason(&self, told: &Told, out: &mut Vec<u8>) -> std::io::Result<()> {
        let Stream { claim, subject, needed, .. } = self;
        if !told.is_comparable {
            out.extend_from_slice(b"Nothing is decided: there is nothing to compare yet.");
            return Ok(());
        }
        match told.verdict {
            Verdict::Stop { at, log_e } => {
                write!(out, "The candidate's {subject} {claim}: at batch {at} the evidence was ")?;
                evidence(out, log_e)?;
                write!(out, " and {needed} was needed; ")?;
            }
            Verdict::Pass { at } => {
                write!(out, "The candidate's {subject} not {claim}: that was proved at batch {at}; ")?;
            }
            Verdict::Continue => {
                write!(out, "It is not decided whether the candidate's {subject} {claim}: the evidence is ")?;
                evidence(out, told.log_e)?;
                write!(out, " and {needed} is needed; ")?;
            }
        }
        Ok(())
    }
}

/// A field, null where nothing is known or there is no bound.
fn number(out: &mut Vec<u8>, name: &str, number: Option<f64>) -> std::io::Result<()> {
    write!(out, ",\"{name}\":")?;
    match number.filter(|number| number.is_finite()) {
        Some(number) => serde_json::to_writer(out, &number)?,
        None => out.extend_from_slice(b"null"),
    }
    Ok(())
}

fn evidence(out: &mut Vec<u8>, log_e: f64) -> std::io::Result<()> {
    if log_e > LN_MILLION {
        out.extend_from_slice(b"more than a million");
        return Ok(());
    }
    write!(out, "{:.2}", log_e.exp())
}

/// A number without digits that nobody needs.
fn short(number: f64) -> String {
    if number < 100.0 { format!("{}", (number * 100.0).round() / 100.0) } else { format!("{number:.0}") }
}
