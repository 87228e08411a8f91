//! Asking about versions: announcing them, handing them on, and where each one is.

use sluice_core::release::Account;
use sluice_core::{Name, Span, Timestamp, VersionName};
use sluice_engine::Resource;
use sluice_engine::port::history::Sample;
use sluice_engine::resource::{Announced, Announcement, HandOn, Standing};
use ureq::http;

use super::{Client, Error, Sending, json_object, query};

impl Client {
    /// Tells that a version was deployed. Safe to come twice.
    pub(crate) fn announce(
        &self,
        service: &Name,
        announcement: &Announcement,
        environment: Option<&Name>,
    ) -> Result<Announced, Error> {
        let query = query(&[("environment", environment.map(Name::as_str))]);
        self.post_once(
            format!("/api/v1/services/{service}/versions{query}"),
            &json_object(announcement).into(),
        )
    }

    /// Takes an announcement back.
    pub(crate) fn withdraw(
        &self,
        service: &Name,
        version: &VersionName,
        environment: Option<&Name>,
    ) -> Result<(), Error> {
        let query = query(&[("environment", environment.map(Name::as_str))]);
        // A `+` means itself in a path.
        let path = format!("/api/v1/services/{service}/versions/{version}{query}");
        self.ask(Sending { method: http::Method::DELETE, ..Sending::get(path) }).map(|_| ())
    }

    /// Hands a version on to another environment and answers its release there. Safe to come twice.
    pub(crate) fn hand_on(&self, service: &Name, request: &HandOn) -> Result<Resource, Error> {
        self.post_once(format!("/api/v1/services/{service}/promote"), &json_object(request).into())
    }

    /// What was measured of a service, by the second where that is still known.
    pub(crate) fn history(
        &self,
        service: &Name,
        environment: Option<&Name>,
        since: Span,
    ) -> Result<Vec<Sample>, Error> {
        let step = Span::from_secs((since.as_millis() / 1000).div_ceil(20_000).max(1));
        let (since, step) = (since.to_string(), step.to_string());
        let query = query(&[
            ("environment", environment.map(Name::as_str)),
            ("since", Some(&since)),
            ("step", Some(&step)),
        ]);
        self.read(Sending::get(format!("/api/v1/services/{service}/history{query}")))
    }

    /// Why a release is where it is, or was.
    pub(crate) fn explain(&self, release: &Name, at: Option<Timestamp>) -> Result<Account, Error> {
        let at = at.map(|at| at.to_string());
        let query = query(&[("at", at.as_deref())]);
        self.read(Sending::get(format!("/api/v1/releases/{release}/explain{query}")))
    }

    /// Which version of which service is live where.
    pub(crate) fn standing(&self) -> Result<Standing, Error> {
        self.read(Sending::get("/api/v1/standing".to_owned()))
    }
}
