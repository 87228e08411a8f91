//! Which version a request goes to, what it carries to the hops behind, and whether it is copied.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use http::header::HOST;
use http::request::Parts;
use sluice_core::document::service::{RedirectStatus, Scheme};
use sluice_core::routing::{Carried, Choice, Request as _, Split, Why, decide};
use sluice_core::{Timestamp, VersionName};

use super::exchange::Who;
use super::headers::Origin;
use super::shadow::{CopyTo, is_copyable};
use super::visitor::Visitor;
use crate::answer::Trouble;
use crate::carried::{CARRIED_TIME, Carrying};
use crate::preview::{PREVIEW_HEADER, PreviewError, PreviewKey};
use crate::table::{Handling, Service, Table, Version};
use crate::worker::Worker;

/// How long a browser keeps the unit that was minted for it: a year, so that a visitor who comes back during a long
/// release meets the same version. Browsers cut it to 400 days.
const UNIT_AGE_SECS: u64 = 365 * 24 * 60 * 60;

/// What was decided about a request.
pub(super) struct Decision<'a> {
    pub(super) service: &'a Arc<Service>,
    pub(super) version: Option<&'a Arc<Version>>,
    /// Why this version.
    pub(super) why: Why<'a>,
    /// Whether a verified preview header chose the version.
    pub(super) is_preview: bool,
    /// The unit that was minted for the visitor, as the cookie to set.
    pub(super) cookie: Option<HeaderValue>,
    pub(super) who: Who,
    /// Which of the paths that are counted on their own it belongs to.
    pub(super) path: Option<usize>,
    /// What the request carries to the hops behind.
    pub(super) release: Option<HeaderValue>,
    /// Where a copy of the request goes, if it is to be copied.
    pub(super) copy_to: Option<CopyTo>,
    /// What its route does with it.
    pub(super) handling: Option<Arc<Handling>>,
}

/// Why no version is asked.
pub(super) enum Aside {
    Trouble(Trouble),
    /// The visitor is sent elsewhere.
    Redirect(RedirectStatus, HeaderValue),
    /// A load balancer asks whether the gateway serves on.
    Ready(bool),
}

impl From<Trouble> for Aside {
    fn from(trouble: Trouble) -> Aside {
        Aside::Trouble(trouble)
    }
}

impl<'a> Decision<'a> {
    /// Finds the service, verifies what the request shows and carries, finds or mints the unit, and asks the core.
    pub(super) fn of(
        worker: &Worker,
        table: &'a Table,
        origin: &Origin,
        parts: &Parts,
    ) -> Result<Decision<'a>, Aside> {
        if worker.shared.ready_path.as_deref().is_some_and(|path| path == parts.uri.path()) {
            return Err(Aside::Ready(!worker.shared.is_leaving.load(Relaxed)));
        }
        let from = origin.forwarded(&parts.headers, &worker.shared.attributes.trusted_proxies);
        let (scheme, attributes) = (from.scheme, &worker.shared.attributes);
        let visitor = Visitor::of(parts)?.known(attributes, &worker.verified, scheme, Some(from.address));
        let (service, route) = table.route(&visitor, scheme).ok_or(Trouble::NoRoute)?;
        if let Some((status, location)) = route.handling.as_ref().and_then(|h| sent_to(h, scheme, parts)) {
            return Err(Aside::Redirect(status, location));
        }
        let preview = preview_of(&worker.shared.preview_key, service, &visitor)?;
        let routing = &*service.routing;
        let key = &worker.shared.preview_key;
        let carrying = Carrying::of(&parts.headers, key, now);
        let shared = routing.split.as_ref().filter(|split| split.is_shared);
        let carried = shared.and_then(|split| carrying.under(&split.release));
        let mut cookie = None;
        let unit = match (routing.unit_of(&visitor), routing.unit_cookie()) {
            (Some(unit), _) => Some(unit.into_owned()),
            (None, Some(name)) if carried.is_none() => {
                let unit = mint_unit();
                // Behind another hop it is an application that asks: what it does with cookies is unknown, and one
                // that hands them on would give the visitor a second unit.
                cookie = carrying.is_empty().then(|| cookie_of(name, &unit)).flatten();
                Some(unit)
            }
            (None, _) => None,
        };
        let is_ready = |name: &VersionName| service.version(name).is_some_and(|version| version.is_ready());
        let choice = decide(routing, &visitor, unit.as_deref(), preview.as_ref(), carried, is_ready);
        let release = |version| pass_on(&carrying, shared, version, key);
        let copy_to = routing.split.as_ref().and_then(|split| {
            let version = copied_to(worker, service, split, &choice, parts)?;
            let (path, unit) = (routing.counted_path(visitor.path()), unit.clone());
            Some(CopyTo { version: Arc::clone(version), path, unit, release: release(&version.name) })
        });
        Ok(Decision {
            service,
            version: service.version(choice.version),
            path: routing.counted_path(visitor.path()),
            who: Who {
                is_drawn: cookie.is_some() && is_drawn(service, &choice, &visitor, unit.as_deref()),
                unit,
            },
            why: choice.why,
            is_preview: preview.is_some(),
            cookie,
            release: release(choice.version),
            copy_to,
            handling: route.handling.clone(),
        })
    }
}

/// Where a visitor is sent instead, if the route sends them elsewhere.
pub(crate) fn sent_to(
    handling: &Handling,
    scheme: Scheme,
    parts: &Parts,
) -> Option<(RedirectStatus, HeaderValue)> {
    let redirect = handling.redirect.as_ref()?;
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Some((redirect.status, handling.location(redirect, scheme, host, &parts.uri)?))
}

/// Whether the lot over everyone alone chose the version. While the candidate can take nobody, no lot is drawn.
fn is_drawn(service: &Service, choice: &Choice<'_>, visitor: &Visitor<'_>, unit: Option<&str>) -> bool {
    let Some(split) = &service.routing.split else { return choice.why == Why::NoRelease };
    let can_meet = service.version(&split.candidate).is_some_and(|candidate| candidate.is_ready());
    let is_by_lot = can_meet && matches!(choice.why, Why::Share | Why::NotChosen);
    is_by_lot && unit.is_some_and(|unit| split.is_drawn(&service.routing, visitor, unit))
}

/// The header for the hops behind the one that `version` answers at.
fn pass_on(
    carrying: &Carrying<'_>,
    shared: Option<&Split>,
    version: &VersionName,
    key: &PreviewKey,
) -> Option<HeaderValue> {
    let own = shared.map(|split| {
        let is_candidate = *version == split.candidate;
        let carried = Carried { release: split.release.clone(), is_candidate };
        (&split.release, key.sign_carried(&carried, now().after(CARRIED_TIME)))
    });
    carrying.pass_on(own)
}

/// The version that a copy of the request goes to: the candidate, when it is ready, for a drawn share of those that
/// stable answers.
fn copied_to<'a>(
    worker: &Worker,
    service: &'a Service,
    split: &Split,
    choice: &Choice<'_>,
    parts: &Parts,
) -> Option<&'a Arc<Version>> {
    let shadow = split.shadow?;
    let is_stable = *choice.version == service.routing.stable && choice.why != Why::Preview;
    let is_taken = || is_copyable(parts) && shadow.takes(parts.method.as_str(), worker.shadows.draw());
    let candidate = service.version(&split.candidate).filter(|version| version.is_ready());
    candidate.filter(|_| is_stable && is_taken())
}

/// The version that a verified preview header asks for. A header that shows nothing is an error: whoever looks at a
/// dark version must not be shown stable in silence.
pub(crate) fn preview_of(
    key: &PreviewKey,
    service: &Service,
    visitor: &Visitor<'_>,
) -> Result<Option<VersionName>, Trouble> {
    let Some(header) = visitor.header(PREVIEW_HEADER) else { return Ok(None) };
    let verified = key.verify(header, &service.routing.key, now());
    let version = verified.map_err(|error| match error {
        PreviewError::Malformed | PreviewError::Forged => Trouble::PreviewForged,
        PreviewError::Expired { .. } => Trouble::PreviewExpired,
    })?;
    match service.version(&version) {
        Some(_) => Ok(Some(version)),
        None => Err(Trouble::PreviewUnknownVersion),
    }
}

pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// 128 random bits: no two visitors ever share a bucket by having the same unit.
fn mint_unit() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the system has randomness once it has started");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}

/// `None` when the cookie's name, which documents check, cannot be in a header.
fn cookie_of(name: &str, unit: &str) -> Option<HeaderValue> {
    let cookie = format!("{name}={unit}; Path=/; Max-Age={UNIT_AGE_SECS}; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(cookie).ok()
}
