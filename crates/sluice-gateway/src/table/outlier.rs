//! Endpoints that fail though their health checks succeed are left out for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use sluice_core::document::service::OutlierSpec;

use super::{Endpoint, Version};

/// The longest time an endpoint is left out, as a multiple of the first.
const TIMES_MAX: u32 = 10;

/// How an endpoint has done lately. Times are milliseconds since the gateway started.
#[derive(Debug, Default)]
pub(crate) struct Conduct {
    failures: AtomicU32,
    /// Zero when it was never left out, or answered well since.
    out_until: AtomicU64,
    /// How often it was left out without a good answer between.
    times: AtomicU32,
}

impl Conduct {
    pub(crate) fn is_out(&self, now_ms: u64) -> bool {
        let until = self.out_until.load(Relaxed);
        until > 0 && now_ms < until
    }
}

impl Version {
    /// Takes notice of how an attempt at an endpoint went. One that was good clears it; several bad ones in a row leave
    /// it out, unless too many are out already.
    pub(crate) fn note_conduct(
        &self,
        endpoint: &Arc<Endpoint>,
        is_good: bool,
        spec: &OutlierSpec,
        now_ms: u64,
    ) {
        let conduct = &endpoint.conduct;
        if is_good {
            if conduct.failures.load(Relaxed) > 0 || conduct.times.load(Relaxed) > 0 {
                conduct.failures.store(0, Relaxed);
                // What was still in flight when it was put out says nothing about its return.
                if !conduct.is_out(now_ms) {
                    conduct.times.store(0, Relaxed);
                    conduct.out_until.store(0, Relaxed);
                }
            }
            return;
        }
        let failures = conduct.failures.fetch_add(1, Relaxed) + 1;
        if failures < spec.failures || conduct.is_out(now_ms) || !self.can_spare_one(spec, now_ms) {
            return;
        }
        conduct.failures.store(0, Relaxed);
        let times = conduct.times.fetch_add(1, Relaxed).saturating_add(1).min(TIMES_MAX);
        let out_ms = spec.eject.as_millis().saturating_mul(u64::from(times));
        conduct.out_until.store(now_ms.saturating_add(out_ms), Relaxed);
        tracing::warn!(
            endpoint = %endpoint.spec, version = %self.name, failures, out_ms,
            "An endpoint fails and is left out for a while"
        );
    }

    fn can_spare_one(&self, spec: &OutlierSpec, now_ms: u64) -> bool {
        let out = self.endpoints.iter().filter(|endpoint| endpoint.conduct.is_out(now_ms)).count();
        let share = usize::try_from(spec.most_percent).unwrap_or(100).min(100);
        let most = (self.endpoints.len() * share / 100).min(self.endpoints.len().saturating_sub(1));
        let others = self.endpoints.iter();
        let ready = others.filter(|endpoint| endpoint.is_ready() && !endpoint.conduct.is_out(now_ms)).count();
        out < most && ready > 1
    }
}
