//! How `sluice serve` tells of visitors' requests.

use clap::{Args, ValueEnum};
use sluice_core::{Span, Weight};

/// Options about the access log and traces.
#[derive(Debug, Args)]
pub(crate) struct ObservingArgs {
    /// Writes a JSON line for each request of a visitor to this file, `-` for standard output; docs/observe.md tells what is in
    /// it
    #[arg(long, env = "SLUICE_ACCESS_LOG", value_name = "FILE")]
    pub(crate) access_log: Option<String>,
    /// How many of the requests are written, as `1%`; those that fail and those that are slow always are
    #[arg(
        long,
        env = "SLUICE_ACCESS_LOG_SAMPLE",
        value_name = "PERCENT",
        default_value = "100%",
        value_parser = percent
    )]
    pub(crate) access_log_sample: Weight,
    /// A request whose answer takes so long to begin is slow
    #[arg(long, env = "SLUICE_ACCESS_LOG_SLOW", value_name = "SPAN", default_value = "1s")]
    pub(crate) access_log_slow: Span,
    /// A query parameter or header whose value is not written, beside those that usually hold secrets; `*` for all. May be
    /// given more than once
    #[arg(long, env = "SLUICE_ACCESS_LOG_REDACT", value_name = "NAME", value_delimiter = ',')]
    pub(crate) access_log_redact: Vec<String>,
    /// A request header that is written, as `user-agent`. May be given more than once
    #[arg(
        long,
        env = "SLUICE_ACCESS_LOG_HEADER",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = header
    )]
    pub(crate) access_log_header: Vec<http::HeaderName>,
    /// Writes visitors' units as they are; otherwise only a keyed hash tells them apart
    #[arg(long, env = "SLUICE_ACCESS_LOG_UNITS")]
    pub(crate) access_log_units: bool,
    /// What becomes of `traceparent`: `make` gives a trace to requests without one, `carry` only passes on what came
    #[arg(
        long,
        env = "SLUICE_TRACES",
        value_enum,
        value_name = "HOW",
        default_value_t,
        hide_possible_values = true
    )]
    pub(crate) traces: Traces,
    /// How many of the traces that are made here are marked as sampled
    #[arg(
        long,
        env = "SLUICE_TRACE_SAMPLE",
        value_name = "PERCENT",
        default_value = "100%",
        value_parser = percent
    )]
    pub(crate) trace_sample: Weight,
}

/// What becomes of traces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Traces {
    /// Requests without one are given one.
    #[default]
    Make,
    /// Only what came is passed on.
    Carry,
}

fn percent(text: &str) -> Result<Weight, String> {
    const HOW: &str = "it is a percentage from 0% to 100% in steps of 0.001%, as 1%";
    let number = text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
    number.and_then(Weight::from_percent).ok_or_else(|| HOW.to_owned())
}

fn header(text: &str) -> Result<http::HeaderName, String> {
    text.parse().map_err(|_| "it is the name of a header, as user-agent".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_people_write_them() {
        assert_eq!(percent("1%"), Ok(Weight::from_percent(1.0).unwrap()));
        assert_eq!(percent("0.001 %"), Ok(Weight::from_percent(0.001).unwrap()));
        for text in ["1", "101%", "-1%", "0.0001%", "%", "NaN%"] {
            assert!(percent(text).is_err(), "{text} was taken");
        }
        assert!(header("user agent").is_err());
    }
}
