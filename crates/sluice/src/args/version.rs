//! Commands about versions: announce them, hand them on.

use std::fmt::Display;
use std::str::FromStr;

use clap::{Args, Subcommand};
use sluice_core::document::service::{Endpoint, HostPattern, PathPrefix};
use sluice_core::name::VersionNeed;
use sluice_core::{Name, VersionName};

use crate::args::release::Stay;

/// `sluice version …`.
#[derive(Debug, Subcommand)]
pub(crate) enum VersionCommand {
    /// Tells that a version was deployed; nobody meets it until it is released
    Announce(Box<AnnounceArgs>),
    /// Lists the versions of a service
    List(VersionsArgs),
    /// Takes back the announcement of a version that nobody needs
    Withdraw(WithdrawArgs),
}

/// Options of `sluice version announce`.
#[derive(Debug, Args)]
#[command(after_help = "Example, as the last step of a pipeline:\n  \
    sluice version announce checkout 2.1.0 --endpoint http://10.0.0.7:8080 --commit \"$GIT_SHA\" --wait\n\n\
    The same announcement may come again and changes nothing.")]
pub(crate) struct AnnounceArgs {
    /// The service
    pub(crate) service: Name,
    /// The version, as the build names it
    pub(crate) version: VersionName,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
    /// Where it listens; may be given more than once. None for a worker or a batch job
    #[arg(long = "endpoint", value_name = "URL")]
    pub(crate) endpoints: Vec<Endpoint>,
    /// What it needs another service to have in the same environment; may be given more than once
    #[arg(long = "need", value_name = "SERVICE=VERSION", value_parser = pair::<Name, VersionNeed>)]
    pub(crate) needs: Vec<(Name, VersionNeed)>,
    /// The commit that it was built from
    #[arg(long, value_name = "ID", help_heading = "About the build")]
    pub(crate) commit: Option<String>,
    /// The image that it runs from
    #[arg(long, value_name = "IMAGE", help_heading = "About the build")]
    pub(crate) image: Option<String>,
    /// Where its build can be looked at
    #[arg(long, value_name = "URL", help_heading = "About the build")]
    pub(crate) build_url: Option<String>,
    /// A digest of its configuration: another one with the same commit and image is a change of configuration only
    #[arg(long, value_name = "DIGEST", help_heading = "About the build")]
    pub(crate) config_digest: Option<String>,
    /// A short fact about the change, such as risk=low; may be given more than once
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair::<String, String>, help_heading = "About the build")]
    pub(crate) labels: Vec<(String, String)>,
    /// Starts its release, whatever the environment says
    #[arg(long, conflicts_with = "no_start", help_heading = "Its release")]
    pub(crate) start: bool,
    /// Leaves it dark, whatever the environment says
    #[arg(long, help_heading = "Its release")]
    pub(crate) no_start: bool,
    /// The policy of its release; the environment chooses one when absent
    #[arg(long, value_name = "NAME", help_heading = "Its release")]
    pub(crate) policy: Option<Name>,
    #[command(flatten)]
    pub(crate) stay: Stay,
    /// Creates the service when there is none of that name; the version is live at once then
    #[arg(long, help_heading = "A new service")]
    pub(crate) create: bool,
    /// A host whose requests belong to it, such as shop.example.com; may be given more than once
    #[arg(long = "host", value_name = "HOST", requires = "create", help_heading = "A new service")]
    pub(crate) hosts: Vec<HostPattern>,
    /// A path on these hosts; `/` when absent. May be given more than once
    #[arg(long = "path", value_name = "PATH", requires = "hosts", help_heading = "A new service")]
    pub(crate) paths: Vec<PathPrefix>,
}

/// Options of `sluice version list`.
#[derive(Debug, Args)]
pub(crate) struct VersionsArgs {
    /// The service
    pub(crate) service: Name,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
}

/// Options of `sluice version withdraw`.
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// The service
    pub(crate) service: Name,
    /// The version: announced, not live, and not being released
    pub(crate) version: VersionName,
    /// The environment; `production` when absent
    #[arg(short, long, value_name = "NAME")]
    pub(crate) environment: Option<Name>,
}

/// Options of `sluice promote`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  sluice promote checkout 2.1.0 --to production --endpoint http://10.0.1.7:8080 --wait"
)]
pub(crate) struct PromoteArgs {
    /// The service
    pub(crate) service: Name,
    /// The version; the one that is live in the environment before when absent
    pub(crate) version: Option<VersionName>,
    /// The environment that it is handed on to
    #[arg(long, value_name = "ENVIRONMENT")]
    pub(crate) to: Name,
    /// Where it listens there, unless it was announced there; may be given more than once
    #[arg(long = "endpoint", value_name = "URL")]
    pub(crate) endpoints: Vec<Endpoint>,
    /// The policy of its release; the environment chooses one when absent
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Option<Name>,
    /// Why it goes ahead although the order of environments, a window or a freeze speaks against it; kept in the log
    #[arg(long = "override", value_name = "REASON")]
    pub(crate) override_reason: Option<String>,
    #[command(flatten)]
    pub(crate) stay: Stay,
}

/// Reads `LEFT=RIGHT`; the first `=` divides.
pub(crate) fn pair<L, R>(text: &str) -> Result<(L, R), String>
where
    L: FromStr<Err: Display>,
    R: FromStr<Err: Display>,
{
    let (left, right) = text.split_once('=').ok_or("there is no `=` in it; write it as name=value")?;
    if left.is_empty() || right.is_empty() {
        return Err("something stands on both sides of the `=`".to_owned());
    }
    let left = left.parse().map_err(|error: L::Err| error.to_string())?;
    let right = right.parse().map_err(|error: R::Err| error.to_string())?;
    Ok((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_may_hold_the_sign_that_divides() {
        let (service, need) = pair::<Name, VersionNeed>("payments=>=1.4.0").unwrap();
        assert_eq!((service.as_str(), need.to_string().as_str()), ("payments", ">=1.4.0"));
        for text in ["payments", "=1.4.0", "payments=", "Payments=1.4.0"] {
            assert!(pair::<Name, VersionNeed>(text).is_err(), "{text:?} was taken");
        }
    }
}
