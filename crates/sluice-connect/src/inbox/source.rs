//! Reading an inbox for a check.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use sluice_core::document::metric::{MetricKind, OtlpSource};
use sluice_core::release::{Amount, Taken};
use sluice_core::{ServiceKey, Timestamp, VersionName};
use sluice_engine::port::source::{Ask, Source, Trouble, Versions};

use super::shelf::{Sender, Sent, Shelf};
use super::stream::{Stream, Value};
use super::{Inbox, difference};
use crate::matcher::Matchers;
use crate::template::Blanks;
use crate::web::trouble;

/// Reads what an inbox holds for one metric of one service.
pub(crate) struct InboxSource {
    inbox: Arc<Inbox>,
    wanted: Wanted,
    stable: Option<Arm>,
    candidate: Arm,
    /// What was there when it was last read; later readings give what came since.
    last: Option<[Look; 2]>,
}

/// What is read.
pub(super) struct Wanted {
    pub(super) kind: MetricKind,
    pub(super) instrument: String,
    /// What values are multiplied with; when absent, it follows from the units.
    pub(super) scale: Option<f64>,
    /// Whether the metric is in milliseconds.
    pub(super) in_ms: bool,
}

/// One version, or all together.
struct Arm {
    service: String,
    environment: String,
    version: Option<VersionName>,
    points: Matchers,
    bad: Option<Matchers>,
}

/// What there was at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// Until when its senders have told, in nanoseconds since 1970.
    pub(super) time: Option<u64>,
    /// Since when they have.
    pub(super) begun: Option<u64>,
    /// The streams that are asked for, by their number.
    pub(super) streams: BTreeMap<u64, Seen>,
    /// The unit of the instrument.
    pub(super) unit: String,
}

/// What a stream held at one moment.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) generation: u32,
    pub(super) is_bad: bool,
    pub(super) is_fresh: bool,
    pub(super) total: Value,
    /// What its point says of itself, without whose instance it is.
    pub(super) attributes: super::stream::Attributes,
}

impl InboxSource {
    /// Prepares to read; what is in the inbox at the first reading is where it begins.
    ///
    /// # Errors
    /// When it is not clear what is meant.
    pub(crate) fn open(inbox: Arc<Inbox>, ask: &Ask, source: &OtlpSource) -> Result<InboxSource, Trouble> {
        if source.scale.is_some_and(|scale| !(scale.is_finite() && scale > 0.0)) {
            return Err(trouble(format!("metric `{}`: `scale` must be above zero", ask.metric)));
        }
        if ask.kind == MetricKind::Ratio && source.bad.is_empty() {
            let why = "a ratio needs `bad`, which says by attributes which points are the bad ones";
            return Err(trouble(format!("metric `{}`: {why}", ask.metric)));
        }
        let arm = |version: Option<&VersionName>| Arm::of(&ask.service, source, version);
        let (stable, candidate) = match &ask.versions {
            Versions::Two { stable, candidate } => (Some(arm(Some(stable))?), arm(Some(candidate))?),
            Versions::All => (None, arm(None)?),
        };
        let wanted = Wanted {
            kind: ask.kind,
            instrument: source.instrument.clone(),
            scale: source.scale,
            in_ms: ask.unit.as_deref() == Some("ms"),
        };
        Ok(InboxSource { inbox, wanted, stable, candidate, last: None })
    }

    /// What is there now, and why it cannot be used.
    fn look(&self) -> ([Look; 2], Option<Trouble>) {
        let now = self.inbox.clock.now();
        let shelf = self.inbox.shelf();
        let mut missing = None;
        let looks = [self.stable.as_ref(), Some(&self.candidate)].map(|arm| {
            let Some(arm) = arm else { return Look::default() };
            match arm.check(&shelf, &self.inbox, now) {
                Ok(()) => {}
                Err(why) => missing = missing.take().or(Some(why)),
            }
            arm.look(&shelf, &self.inbox, &self.wanted, now)
        });
        if missing.is_none() && looks.iter().all(|look| look.streams.is_empty()) {
            missing = Some(self.candidate.nothing_matches(&shelf, &self.wanted));
        }
        (looks, missing)
    }
}

#[async_trait]
impl Source for InboxSource {
    async fn read(&mut self, _from: Timestamp, until: Timestamp) -> Result<Taken, Trouble> {
        let (mut now, missing) = self.look();
        if self.last.is_none() {
            self.last = Some(now.clone());
        }
        if let Some(missing) = missing {
            return Err(missing);
        }
        let last = self.last.as_ref().expect("it was set above");
        let [stable, candidate] = difference::amounts(&self.wanted, last, &now).map_err(trouble)?;
        for (now, (last, amount)) in now.iter_mut().zip(last.iter().zip([&stable, &candidate])) {
            // What is not given stays to be given.
            if *amount == Amount::Nothing {
                now.clone_from(last);
            }
        }
        self.last = Some(now);
        Ok(Taken { until, stable, candidate })
    }
}

impl Arm {
    fn of(service: &ServiceKey, source: &OtlpSource, version: Option<&VersionName>) -> Result<Arm, Trouble> {
        let blanks = Blanks { service, version, stretch: None };
        let there = source.service.as_ref().map(|name| blanks.fill(name, str::to_owned));
        Ok(Arm {
            service: there.unwrap_or_else(|| service.name.to_string()),
            environment: service.environment.to_string(),
            version: version.cloned(),
            points: Matchers::new(&source.attributes, &blanks)?,
            bad: (!source.bad.is_empty()).then(|| Matchers::new(&source.bad, &blanks)).transpose()?,
        })
    }

    fn is_of_service(&self, sender: &Sender) -> bool {
        sender.service == self.service
            && sender.environment.as_ref().is_none_or(|environment| *environment == self.environment)
    }

    fn is_of(&self, sender: &Sender) -> bool {
        self.is_of_service(sender)
            && self.version.as_ref().is_none_or(|version| sender.version.as_deref() == Some(version.as_str()))
    }

    fn senders<'a>(&'a self, shelf: &'a Shelf) -> impl Iterator<Item = (&'a Sender, &'a Sent)> {
        shelf.senders.iter().filter(|(sender, _)| self.is_of(sender))
    }

    /// Whether somebody sends for it at all.
    fn check(&self, shelf: &Shelf, inbox: &Inbox, now: Timestamp) -> Result<(), Trouble> {
        let who = match &self.version {
            Some(version) => format!("version {version} of `{}`", self.service),
            None => format!("`{}`", self.service),
        };
        let Some(arrived) = self.senders(shelf).map(|(_, sent)| sent.arrived).max() else {
            let others = || shelf.senders.keys().filter(|sender| self.is_of_service(sender));
            let hint = if others().any(|sender| sender.version.is_none()) {
                "; some of its senders do not say their version: set `service.version` in OTEL_RESOURCE_ATTRIBUTES"
            } else if others().next().is_some() {
                "; other versions of it have"
            } else {
                ""
            };
            return Err(trouble(format!("{who} has not sent any metrics by OTLP{hint}")));
        };
        let age = now.since(arrived);
        if age > inbox.options.stale_after {
            return Err(trouble(format!("the last metrics of {who} by OTLP came {} ago", age.rounded())));
        }
        Ok(())
    }

    fn look(&self, shelf: &Shelf, inbox: &Inbox, wanted: &Wanted, now: Timestamp) -> Look {
        let mut look = Look::default();
        for (sender, sent) in self.senders(shelf) {
            look.time = look.time.max(Some(sent.time));
            look.begun = Some(look.begun.map_or(sent.begun, |begun| begun.min(sent.begun)));
            let Some(instrument) = sent.instruments.get(&wanted.instrument) else { continue };
            look.unit.clone_from(&instrument.unit);
            for stream in instrument.streams.values() {
                let label = |name: &str| attribute(sender, stream, name);
                if self.points.is_met(label) {
                    let seen = Seen {
                        generation: stream.generation,
                        is_bad: self.bad.as_ref().is_some_and(|bad| bad.is_met(label)),
                        is_fresh: now.since(stream.arrived) <= inbox.options.stale_after,
                        total: stream.total.clone(),
                        attributes: stream.attributes.clone(),
                    };
                    look.streams.insert(stream.number, seen);
                }
            }
        }
        look
    }

    /// Why there is no stream for any version.
    fn nothing_matches(&self, shelf: &Shelf, wanted: &Wanted) -> Trouble {
        let all = || shelf.senders.iter().filter(|(sender, _)| self.is_of_service(sender));
        let name = &wanted.instrument;
        if all().any(|(_, sent)| sent.instruments.contains_key(name)) {
            return trouble(format!(
                "`{}` sends `{name}`, but no point of it has the attributes asked for",
                self.service
            ));
        }
        let mut names: Vec<_> = all().flat_map(|(_, sent)| sent.instruments.keys()).collect();
        names.sort();
        names.dedup();
        let some: Vec<_> = names.iter().take(10).map(|name| format!("`{name}`")).collect();
        let more = if names.len() > some.len() {
            format!(" and {} more", names.len() - some.len())
        } else {
            String::new()
        };
        trouble(format!("`{}` sends no `{name}` by OTLP; it sends {}{more}", self.service, some.join(", ")))
    }
}

/// An attribute of a point, or of who sent it.
fn attribute<'a>(sender: &'a Sender, stream: &'a Stream, name: &str) -> Option<&'a str> {
    stream.attributes.get(name).or_else(|| sender.attributes.get(name)).map(String::as_str)
}
