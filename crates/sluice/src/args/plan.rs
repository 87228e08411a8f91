//! What `sluice plan` is told.

use clap::Args;
use sluice_core::forecast::Failures;
use sluice_core::{Name, Span, VersionName};

/// Foretells a release.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    sluice plan checkout 2.1.0\n  \
    sluice plan checkout --policy canary --rate 20 --error-rate 0.2%\n  \
    sluice plan checkout --rate 300 --latency p50=40ms --latency p95=180ms --bad errors=2% --bad slower=30%\n  \
    sluice plan checkout --policy ramp --bad errors=3x -o json")]
pub(crate) struct PlanArgs {
    /// The service
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Name,
    /// The version, for the policy that the environment chooses; it need not exist yet
    #[arg(value_name = "VERSION")]
    pub(crate) version: Option<VersionName>,
    /// The policy; the environment chooses one when absent
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<Name>,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "ENVIRONMENT")]
    pub(crate) environment: Option<Name>,
    /// How many other services are released together with it
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
    pub(crate) with: u32,
    /// Requests per second of the service; measured when absent
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub(crate) rate: Option<f64>,
    /// How many of stable's requests fail, as `0.2%`; measured when absent
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) error_rate: Option<f64>,
    /// How long stable's requests take, as `p95=250ms`: p50, p95 and p99; measured when absent
    #[arg(long, value_name = "QUANTILE=TIME", value_parser = latency)]
    pub(crate) latency: Vec<(Quantile, f64)>,
    /// How many people come in an hour; a tenth of the requests when absent
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub(crate) visitors: Option<f64>,
    /// How bad a version is assumed to be: `errors=5%` of all, `errors=3x` as many as of stable, `slower=50%`
    #[arg(long, value_name = "FAULT", value_parser = bad)]
    pub(crate) bad: Vec<Fault>,
}

/// A quantile that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantile {
    P50,
    P95,
    P99,
}

/// A fault that is assumed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    Errors(Failures),
    Slower(f64),
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "it is a number of at least 0, as 20 or 0.5".to_owned())
}

fn percent(text: &str) -> Result<f64, String> {
    let within = |share: &f64| (0.0..=1.0).contains(share);
    part(text).filter(within).ok_or_else(|| "it is a percentage up to 100%, as 0.2%".to_owned())
}

fn part(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?.trim_end().parse::<f64>().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number / 100.0)
}

fn latency(text: &str) -> Result<(Quantile, f64), String> {
    let (quantile, time) = text.split_once('=').ok_or("write it as p95=250ms")?;
    let quantile = match quantile {
        "p50" => Quantile::P50,
        "p95" => Quantile::P95,
        "p99" => Quantile::P99,
        other => return Err(format!("`{other}` is none of p50, p95 and p99")),
    };
    let time: Span = time.parse().map_err(|error: sluice_core::time::InvalidSpan| error.to_string())?;
    Ok((quantile, time.as_millis() as f64))
}

fn bad(text: &str) -> Result<Fault, String> {
    const HOW: &str = "write it as errors=5%, errors=3x or slower=50%";
    let (what, how) = text.split_once('=').ok_or(HOW)?;
    match (what, how.strip_suffix('x')) {
        ("errors", Some(times)) => Ok(Fault::Errors(Failures::Times(number(times)?))),
        ("errors", None) => Ok(Fault::Errors(Failures::Share(percent(how)?))),
        ("slower", None) => part(how).map(Fault::Slower).ok_or_else(|| HOW.to_owned()),
        _ => Err(HOW.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_figures_are_read_as_people_write_them() {
        assert_eq!(bad("errors=5%"), Ok(Fault::Errors(Failures::Share(0.05))));
        assert_eq!(bad("errors=3x"), Ok(Fault::Errors(Failures::Times(3.0))));
        assert_eq!(bad("slower=50%"), Ok(Fault::Slower(0.5)));
        assert_eq!(latency("p95=250ms"), Ok((Quantile::P95, 250.0)));
        for text in ["errors", "errors=5", "errors=101%", "slower=2x", "slower=-1%", "heat=5%"] {
            assert!(bad(text).is_err(), "{text} was taken");
        }
        for text in ["p90=1s", "p95", "p95=fast"] {
            assert!(latency(text).is_err(), "{text} was taken");
        }
        assert!(number("NaN").is_err() && number("-1").is_err() && percent("0.2").is_err());
    }
}
