//! All streams, by who sends them.

use std::collections::{BTreeMap, HashMap};

use sluice_core::{Span, Timestamp};

use super::InboxOptions;
use super::refused::Refused;
use super::stream::{Attributes, Point, Stream, Temporality};
use crate::otlp::message::Metric;

/// Whoever sends: one instance of one version of a service, as its resource attributes tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sender {
    pub(crate) service: String,
    pub(crate) version: Option<String>,
    pub(crate) environment: Option<String>,
    /// All its attributes, among them those above.
    pub(crate) attributes: Attributes,
}

impl Sender {
    /// # Errors
    /// When it is not told which service it is.
    pub(super) fn of(attributes: Attributes) -> Result<Sender, Refused> {
        let get = |name: &str| attributes.get(name).filter(|value| !value.is_empty()).cloned();
        Ok(Sender {
            service: get("service.name").ok_or(Refused::NoService)?,
            version: get("service.version"),
            environment: get("deployment.environment.name").or_else(|| get("deployment.environment")),
            attributes,
        })
    }
}

/// Where a point belongs.
pub(super) struct Place<'a> {
    pub(super) sender: &'a Sender,
    pub(super) scope: &'a str,
    pub(super) metric: &'a Metric,
}

/// What one sender has sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// When its last point came here.
    pub(crate) arrived: Timestamp,
    /// The time of its latest point.
    pub(crate) time: u64,
    /// Since when it has been counted.
    pub(crate) begun: u64,
    pub(crate) instruments: BTreeMap<String, Instrument>,
}

/// What one sender has sent of one instrument.
#[derive(Debug)]
pub(crate) struct Instrument {
    pub(crate) unit: String,
    pub(crate) kind: &'static str,
    pub(crate) streams: HashMap<Key, Stream>,
    /// The time of the first point that was seen, by since when it counts. A stream that appears later in a sender that
    /// counts since then was zero before.
    first_seen: BTreeMap<u64, u64>,
}

/// What tells the streams of an instrument apart.
///
/// Since when a cumulative stream counts is a part of it: a process that starts anew begins a new stream, and two that
/// are told apart by nothing else do not disturb each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    scope: String,
    attributes: Attributes,
    start: u64,
}

/// All that an inbox holds.
pub(crate) struct Shelf {
    options: InboxOptions,
    pub(crate) senders: BTreeMap<Sender, Sent>,
    /// Nothing is known of what was counted before, in nanoseconds since 1970.
    known_since: u64,
    next_number: u64,
    series: usize,
    bytes: usize,
    /// When idle streams were last looked for.
    swept: Option<Timestamp>,
}

impl Shelf {
    pub(super) fn new(options: InboxOptions, known_since: u64) -> Shelf {
        Shelf {
            options,
            senders: BTreeMap::new(),
            known_since,
            next_number: 0,
            series: 0,
            bytes: 0,
            swept: None,
        }
    }

    pub(super) fn series(&self) -> usize {
        self.series
    }

    /// Counts a point. `Some` remark where it was counted and something about it is odd.
    ///
    /// # Errors
    /// When it is not counted.
    pub(super) fn take(
        &mut self,
        place: &Place<'_>,
        point: Point,
        now: Timestamp,
    ) -> Result<Option<Refused>, Refused> {
        let start = if point.temporality == Temporality::Cumulative { point.start } else { 0 };
        let key = Key { scope: place.scope.to_owned(), attributes: point.attributes.clone(), start };
        let is_held = self.senders.get(place.sender).is_some_and(|held| {
            held.instruments
                .get(&place.metric.name)
                .is_some_and(|instrument| instrument.streams.contains_key(&key))
        });
        if !is_held {
            self.make_room(now)?;
        }
        let held = self.senders.entry(place.sender.clone()).or_insert_with(|| Sent {
            arrived: now,
            time: point.time,
            begun: point.time,
            instruments: BTreeMap::new(),
        });
        let kind = point.value.kind();
        let instrument = held.instruments.entry(place.metric.name.clone()).or_insert_with(|| Instrument {
            unit: place.metric.unit.clone(),
            kind,
            streams: HashMap::new(),
            first_seen: BTreeMap::new(),
        });
        let mut remark = None;
        if instrument.kind != kind {
            remark = Some(Refused::KindChanged { before: instrument.kind, now: kind });
            self.series -= instrument.streams.len();
            self.bytes -= instrument.streams.values().map(Stream::bytes).sum::<usize>();
            instrument.streams.clear();
            instrument.kind = kind;
        }
        instrument.unit.clone_from(&place.metric.unit);
        let time = point.time;
        if let Some(stream) = instrument.streams.get_mut(&key) {
            let bytes = stream.bytes();
            let taken = stream.take(point, now);
            self.bytes = self.bytes + stream.bytes() - bytes;
            remark = remark.or(taken?);
        } else {
            let first = *instrument.first_seen.entry(start).or_insert(time);
            let all_since = if point.start >= self.known_since {
                Some(point.start)
            } else {
                (first < time).then_some(first)
            };
            let stream = Stream::new(self.next_number, point, all_since, now);
            held.begun = held.begun.min(stream.begun);
            self.next_number += 1;
            self.series += 1;
            self.bytes += stream.bytes();
            instrument.streams.insert(key, stream);
        }
        held.arrived = now;
        held.time = held.time.max(time);
        Ok(remark)
    }

    /// Drops what is idle when there is no room for one more stream.
    ///
    /// # Errors
    /// When nothing is idle.
    fn make_room(&mut self, now: Timestamp) -> Result<(), Refused> {
        let is_full = |shelf: &Shelf| {
            shelf.series >= shelf.options.series_max || shelf.bytes >= shelf.options.bytes_max
        };
        // Looking through all streams at each point of a flood would be slow; idle ones do not come by the second.
        if is_full(self) && self.swept.is_none_or(|swept| swept.after(Span::from_secs(1)) <= now) {
            self.swept = Some(now);
            self.sweep(now);
        }
        if is_full(self) { Err(Refused::Full(self.series)) } else { Ok(()) }
    }

    /// Drops streams of which nothing has come for as long as makes them stale.
    fn sweep(&mut self, now: Timestamp) {
        let stale_after = self.options.stale_after;
        let mut known_since = self.known_since;
        for sent in self.senders.values_mut() {
            for instrument in sent.instruments.values_mut() {
                let before = instrument.streams.len();
                instrument.streams.retain(|_, stream| {
                    let is_idle = now.since(stream.arrived) > stale_after;
                    if is_idle {
                        // Should it come back, it holds what was counted already: it began before its last point.
                        known_since = known_since.max(stream.time.saturating_add(1));
                    }
                    !is_idle
                });
                if instrument.streams.len() < before {
                    instrument.first_seen.clear();
                }
            }
            sent.instruments.retain(|_, instrument| !instrument.streams.is_empty());
        }
        self.senders.retain(|_, sent| !sent.instruments.is_empty());
        self.known_since = known_since;
        let instruments = || self.senders.values().flat_map(|sent| sent.instruments.values());
        let streams = || instruments().flat_map(|instrument| instrument.streams.values());
        (self.series, self.bytes) = (streams().count(), streams().map(Stream::bytes).sum());
    }
}
