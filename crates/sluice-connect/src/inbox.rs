//! Metrics that programs send, summed up until a check reads them.
//!
//! Of each stream of points (one instrument of one sender with one set of attributes) the inbox keeps what was counted
//! since it was first seen, whether the sender says totals or differences. Whoever reads takes differences of that.
//! Nothing is written to disk: after a restart of the server it begins anew, and so do the sources that read it.

mod difference;
mod explicit;
mod exponential;
mod points;
mod refused;
mod shelf;
mod source;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_core::{Span, Timestamp};
use sluice_engine::port::Clock;

use self::points::{Read, points_of, texts};
use self::refused::Refused;
use self::shelf::{Sender, Shelf};
pub(crate) use self::source::InboxSource;
use crate::otlp::message::{ExportRequest, ResourceMetrics};

/// What an [`Inbox`] keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxOptions {
    /// How many series it holds at most.
    pub series_max: usize,
    /// About how much memory they may take, in bytes.
    pub bytes_max: usize,
    /// After how long without a point from a version it is not known any more how that version does.
    pub stale_after: Span,
}

impl Default for InboxOptions {
    /// 50 000 series in 128 MiB; three minutes, which is three times what SDKs wait between two exports by default.
    fn default() -> InboxOptions {
        InboxOptions { series_max: 50_000, bytes_max: 128 << 20, stale_after: Span::from_secs(180) }
    }
}

/// Takes the metrics that programs send by OTLP, and keeps them for those who read.
pub struct Inbox {
    options: InboxOptions,
    clock: Arc<dyn Clock>,
    shelf: Mutex<Shelf>,
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Receipt {
    /// How many points were not taken.
    pub(crate) rejected: u64,
    /// Why, and remarks about those that were: empty when there is nothing to say.
    pub(crate) message: String,
}

/// Of what is wrong with a request, so many different things are named.
const REMARKS_MAX: usize = 10;
/// Names in remarks are cut to this.
const NAME_CHARS_MAX: usize = 100;

impl Inbox {
    /// An empty one.
    pub fn new(options: InboxOptions, clock: Arc<dyn Clock>) -> Inbox {
        let known_since = nanos(clock.now());
        Inbox { options, clock, shelf: Mutex::new(Shelf::new(options, known_since)) }
    }

    /// How many series it holds now.
    pub fn series(&self) -> usize {
        self.shelf().series()
    }

    /// Takes in all points of a request that can be counted.
    pub(crate) fn take(&self, request: &ExportRequest) -> Receipt {
        let now = self.clock.now();
        let mut remarks = Remarks::default();
        let mut shelf = self.shelf();
        for resource in &request.resource_metrics {
            take_resource(&mut shelf, resource, now, &mut remarks);
        }
        remarks.into_receipt()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // A panic in between would leave one stream half counted, and all others whole.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_resource(shelf: &mut Shelf, resource: &ResourceMetrics, now: Timestamp, remarks: &mut Remarks) {
    let attributes = resource.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
    let sender = texts(attributes).and_then(Sender::of);
    for scope in &resource.scope_metrics {
        let scope_name = scope.scope.as_ref().map_or("", |scope| scope.name.as_str());
        for metric in &scope.metrics {
            match &sender {
                Err(why) => remarks.refuse(&metric.name, why, points::how_many(metric)),
                Ok(sender) => points_of(metric, now, |read| match read {
                    Read::Point(point) => {
                        let place = shelf::Place { sender, scope: scope_name, metric };
                        match shelf.take(&place, point, now) {
                            Ok(None) => {}
                            Ok(Some(remark)) => remarks.mention(&metric.name, &remark),
                            Err(why) => remarks.refuse(&metric.name, &why, 1),
                        }
                    }
                    Read::Refused(why, count) => remarks.refuse(&metric.name, &why, count),
                }),
            }
        }
    }
}

/// Nanoseconds since 1970, as OTLP has times.
fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or_default().saturating_mul(1_000_000)
}

/// What is to be said of a request, each thing once.
#[derive(Default)]
struct Remarks {
    rejected: u64,
    said: Vec<(String, u64)>,
    unsaid: u64,
}

impl Remarks {
    fn refuse(&mut self, metric: &str, why: &Refused, count: u64) {
        self.rejected += count;
        self.say(metric, why, count);
    }

    fn mention(&mut self, metric: &str, remark: &Refused) {
        self.say(metric, remark, 1);
    }

    fn say(&mut self, metric: &str, why: &Refused, count: u64) {
        let name: String = metric.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
        let text = format!("`{name}`: {why}");
        if let Some((_, times)) = self.said.iter_mut().find(|(said, _)| *said == text) {
            *times += count;
        } else if self.said.len() < REMARKS_MAX {
            self.said.push((text, count));
        } else {
            self.unsaid += count;
        }
    }

    fn into_receipt(self) -> Receipt {
        let mut texts: Vec<_> = self
            .said
            .into_iter()
            .map(|(text, times)| if times > 1 { format!("{text} ({times} points)") } else { text })
            .collect();
        if self.unsaid > 0 {
            texts.push(format!("and {} more points", self.unsaid));
        }
        Receipt { rejected: self.rejected, message: texts.join("; ") }
    }
}
