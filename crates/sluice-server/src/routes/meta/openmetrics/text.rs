//! A text of figures that grows by families.

use std::fmt::{Display, Write};

use sluice_core::stats::Histogram;

use super::Format;
use crate::gateway::Exemplar;

/// What a number of a family means over time.
#[derive(Clone, Copy)]
pub(super) enum Type {
    /// It goes up and down.
    Gauge,
    /// It only grows, until the process starts anew.
    Counter,
    /// It is always 1; its labels tell.
    Info,
}

/// Where the buckets of latencies end, as doublings of a microsecond: from 256 µs to 16.8 s. Doublings, because those are
/// bounds of the histogram's own buckets too, so that nothing is guessed.
const BOUNDS: std::ops::RangeInclusive<u32> = 8..=24;

/// The latencies of one sample.
pub(super) struct Latencies<'a> {
    pub(super) latencies: &'a Histogram,
    pub(super) sum_micros: u64,
    pub(super) exemplars: &'a [Exemplar],
}

impl Type {
    fn name(self, format: Format) -> &'static str {
        match (self, format) {
            (Type::Gauge, _) | (Type::Info, Format::Prometheus) => "gauge",
            (Type::Counter, _) => "counter",
            (Type::Info, Format::OpenMetrics) => "info",
        }
    }

    /// What samples of a family are called beyond the family's name.
    fn suffix(self) -> &'static str {
        match self {
            Type::Gauge => "",
            Type::Counter => "_total",
            Type::Info => "_info",
        }
    }
}

/// A text that grows by families.
pub(super) struct Text {
    text: String,
    format: Format,
}

impl Text {
    pub(super) fn new(format: Format) -> Text {
        Text { text: String::with_capacity(8192), format }
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    /// One family: its samples, each with labels that are already written (`class="2xx"`, or nothing).
    pub(super) fn family<V: Display>(
        &mut self,
        name: &str,
        kind: Type,
        help: &str,
        samples: impl IntoIterator<Item = (String, V)>,
    ) {
        let suffix = kind.suffix();
        self.head(name, suffix, kind.name(self.format), help);
        for (labels, value) in samples {
            match labels.as_str() {
                "" => self.line(format_args!("{name}{suffix} {value}")),
                labels => self.line(format_args!("{name}{suffix}{{{labels}}} {value}")),
            }
        }
    }

    /// A family of one sample without labels.
    pub(super) fn single(&mut self, name: &str, kind: Type, help: &str, value: impl Display) {
        self.family(name, kind, help, [(String::new(), value)]);
    }

    /// A family of latencies in seconds, each with labels.
    pub(super) fn latencies<'a>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, Latencies<'a>)>,
    ) {
        self.head(name, "", "histogram", help);
        for (labels, Latencies { latencies, sum_micros, exemplars }) in samples {
            let (mut below, mut from) = (0, 0);
            let mut buckets = latencies.iter().peekable();
            for bound in BOUNDS.map(|bits| 1_u64 << bits) {
                while let Some((_, count)) =
                    buckets.next_if(|(bucket, _)| Histogram::lower_bound(*bucket) < bound)
                {
                    below += count;
                }
                let exemplar = self.exemplar(exemplars, from..bound);
                let le = seconds(bound);
                self.line(format_args!("{name}_bucket{{{labels},le=\"{le}\"}} {below}{exemplar}"));
                from = bound;
            }
            let all = below + buckets.map(|(_, count)| count).sum::<u64>();
            let exemplar = self.exemplar(exemplars, from..u64::MAX);
            self.line(format_args!("{name}_bucket{{{labels},le=\"+Inf\"}} {all}{exemplar}"));
            self.line(format_args!("{name}_count{{{labels}}} {all}"));
            self.line(format_args!("{name}_sum{{{labels}}} {}", seconds(sum_micros)));
        }
    }

    /// The latest within a bucket. Only OpenMetrics knows them.
    fn exemplar(&self, exemplars: &[Exemplar], micros: std::ops::Range<u64>) -> String {
        let within = exemplars.iter().filter(|exemplar| micros.contains(&exemplar.micros));
        match within.max_by_key(|exemplar| exemplar.at) {
            Some(Exemplar { trace, micros, at }) if self.format == Format::OpenMetrics => {
                let (value, at) = (seconds(*micros), at.as_millis() as f64 / 1000.0);
                format!(" # {{trace_id=\"{trace:032x}\"}} {value} {at:.3}")
            }
            _ => String::new(),
        }
    }

    fn head(&mut self, name: &str, suffix: &str, type_name: &str, help: &str) {
        match self.format {
            Format::OpenMetrics => {
                self.line(format_args!("# TYPE {name} {type_name}"));
                if let Some(unit) = ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(unit)) {
                    self.line(format_args!("# UNIT {name} {unit}"));
                }
                self.line(format_args!("# HELP {name} {help}"));
            }
            Format::Prometheus => {
                self.line(format_args!("# HELP {name}{suffix} {help}"));
                self.line(format_args!("# TYPE {name}{suffix} {type_name}"));
            }
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("writing to a string does not fail");
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// A label's value: backslashes, quotes and line ends escaped.
pub(super) fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
