//! Figures as text: OpenMetrics 1.0, and the older text format of Prometheus (0.0.4) for those who ask for it.

mod text;
mod visitors;

use std::sync::atomic::Ordering;

use http::HeaderMap;
use http::header::ACCEPT;

use super::process;
use crate::state::{STREAMS_MAX, State};
use text::{Text, Type, escaped};

/// How the figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/openmetrics-text`, version 1.0.0.
    OpenMetrics,
    /// `text/plain`, version 0.0.4.
    Prometheus,
}

impl Format {
    /// What somebody who accepts these headers' types likes best (RFC 9110 section 12.5.1): OpenMetrics, unless they like plain
    /// text better.
    pub(super) fn accepted(headers: &HeaderMap) -> Format {
        let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
        let (mut open, mut plain, mut any) = (None, None, None);
        for item in lines.flat_map(|line| line.split(',')) {
            let mut parts = item.split(';').map(str::trim);
            let seen = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "application/openmetrics-text" => &mut open,
                "text/plain" | "text/*" => &mut plain,
                "*/*" | "application/*" => &mut any,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
            *seen = Some(seen.unwrap_or(0.0_f64).max(quality));
        }
        match (open.or(any), plain) {
            (Some(open), Some(plain)) if open < plain => Format::Prometheus,
            (None, Some(_)) => Format::Prometheus,
            _ => Format::OpenMetrics,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// All figures about Sluice itself.
pub(super) fn render(state: &State, format: Format) -> String {
    let mut text = Text::new(format);
    build(&mut text, state);
    engine(&mut text, state);
    server(&mut text, state);
    visitors::write(&mut text, &state.gateway.figures());
    own_process(&mut text);
    text.finish()
}

fn build(text: &mut Text, state: &State) {
    let version = escaped(&state.build.version);
    let commit = escaped(state.build.commit.as_deref().unwrap_or_default());
    let labels = format!("version=\"{version}\",commit=\"{commit}\"");
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
        "sluice_history_failures",
        Type::Counter,
        "Times that what was measured could not be kept.",
        engine.history_failures,
    );
    text.single(
        "sluice_evaluation_lag_max_seconds",
        Type::Gauge,
        "The longest time by which an evaluation was late since this was last read.",
        lag_seconds,
    );
    let panics = [
        ("part=\"engine\"".to_owned(), engine.panics),
        ("part=\"server\"".to_owned(), state.telemetry.panics.load(Ordering::Relaxed)),
    ];
    text.family("sluice_panics", Type::Counter, "Panics that were contained.", panics);
}

fn server(text: &mut Text, state: &State) {
    let answers = state.telemetry.answers().map(|(class, count)| (format!("class=\"{class}\""), count));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_likes_plain_text_better_gets_it() {
        for (accept, format) in [
            ("", Format::OpenMetrics),
            ("*/*", Format::OpenMetrics),
            ("text/plain", Format::Prometheus),
            ("text/plain;version=0.0.4;q=0.5, */*;q=0.1", Format::Prometheus),
            ("text/html, */*;q=0.8", Format::OpenMetrics),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text;q=0, text/plain", Format::Prometheus),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(Format::accepted(&headers), format, "{accept}");
        }
    }
}
