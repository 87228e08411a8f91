//! The OpenMetrics text format, version 1.0.

use std::fmt::{Display, Write};
use std::sync::atomic::Ordering;

use super::process;
use crate::state::{STREAMS_MAX, State};

/// What a number of a family means over time.
#[derive(Clone, Copy)]
enum Type {
    /// It goes up and down.
    Gauge,
    /// It only grows, until the process starts anew.
    Counter,
    /// It is always 1; its labels tell.
    Info,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Gauge => "gauge",
            Type::Counter => "counter",
            Type::Info => "info",
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
struct Text(String);

impl Text {
    /// One family: its samples, each with labels that are already written (`{class="2xx"}`, or nothing).
    fn family<V: Display>(
        &mut self,
        name: &str,
        kind: Type,
        help: &str,
        samples: impl IntoIterator<Item = (String, V)>,
    ) {
        let type_name = kind.name();
        let mut head = format!("# TYPE {name} {type_name}\n");
        if let Some(unit) = ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(unit)) {
            head.push_str(&format!("# UNIT {name} {unit}\n"));
        }
        self.0.push_str(&head);
        self.line(format_args!("# HELP {name} {help}"));
        for (labels, value) in samples {
            self.line(format_args!("{name}{}{labels} {value}", kind.suffix()));
        }
    }

    /// A family of one sample without labels.
    fn single(&mut self, name: &str, kind: Type, help: &str, value: impl Display) {
        self.family(name, kind, help, [(String::new(), value)]);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("writing to a string does not fail");
    }
}

/// All figures about Sluice itself.
pub(super) fn render(state: &State) -> String {
    let mut text = Text(String::with_capacity(4096));
    build(&mut text, state);
    engine(&mut text, state);
    server(&mut text, state);
    own_process(&mut text);
    text.0.push_str("# EOF\n");
    text.0
}

fn build(text: &mut Text, state: &State) {
    let version = escaped(&state.build.version);
    let commit = escaped(state.build.commit.as_deref().unwrap_or_default());
    let labels = format!("{{version=\"{version}\",commit=\"{commit}\"}}");
    text.family("sluice_build", Type::Info, "What was built.", [(labels, 1)]);
}

fn engine(text: &mut Text, state: &State) {
    let engine = state.engine.telemetry();
    let lag_seconds = std::time::Duration::from_millis(engine.lag_ms_max).as_secs_f64();
    text.single(
        "sluice_live_releases",
        Type::Gauge,
        "Releases that are under way or watched.",
        engine.live_releases,
    );
    text.single("sluice_decisions", Type::Counter, "Decisions asked of the core.", engine.decisions);
    text.single("sluice_commits", Type::Counter, "Commits to the store.", engine.commits);
    text.single(
        "sluice_commit_failures",
        Type::Counter,
        "Commits to the store that failed.",
        engine.commit_failures,
    );
    text.single(
        "sluice_evaluation_lag_max_seconds",
        Type::Gauge,
        "The longest time by which an evaluation was late since this was last read.",
        lag_seconds,
    );
    let panics = [
        ("{part=\"engine\"}".to_owned(), engine.panics),
        ("{part=\"server\"}".to_owned(), state.telemetry.panics.load(Ordering::Relaxed)),
    ];
    text.family("sluice_panics", Type::Counter, "Panics that were contained.", panics);
}

fn server(text: &mut Text, state: &State) {
    let answers = state.telemetry.answers().map(|(class, count)| (format!("{{class=\"{class}\"}}"), count));
    text.family("sluice_http_responses", Type::Counter, "Answers of the control plane, by class.", answers);
    let connections = state.telemetry.connections.load(Ordering::Relaxed);
    text.single("sluice_http_connections", Type::Gauge, "Open connections.", connections);
    let streams = STREAMS_MAX - state.streams.available_permits();
    text.single("sluice_event_streams", Type::Gauge, "Clients that watch the events.", streams);
}

/// Names and meanings as in the Prometheus client libraries, so that common dashboards find them.
fn own_process(text: &mut Text) {
    let Some(figures) = process::figures() else {
        return;
    };
    let process::Figures { cpu_seconds, resident_bytes, open_fds, started_at } = figures;
    text.single("process_cpu_seconds", Type::Counter, "CPU time, user and system.", cpu_seconds);
    text.single("process_resident_memory_bytes", Type::Gauge, "Resident memory.", resident_bytes);
    text.single("process_open_fds", Type::Gauge, "Open file descriptors.", open_fds);
    text.single(
        "process_start_time_seconds",
        Type::Gauge,
        "When the process started, in seconds since 1970.",
        started_at,
    );
}

/// A label's value: backslashes, quotes and line ends escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
