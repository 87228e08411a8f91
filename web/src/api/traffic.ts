// What was counted of each version, second by second, as the control plane tells it: first the past, then live.

import type { Traffic, TrafficNow, TrafficPoint } from './resources';

/** How much of the past is kept, as the control plane does. */
export const HISTORY_MILLIS = 600_000;

/** The past with one more second in it; the same object when that second is there already. */
export function append(past: Traffic, message: TrafficNow): Traffic {
  const oldest = Date.parse(message.at) - HISTORY_MILLIS;
  const versions = { ...past.versions };
  for (const [name, { role, ...point }] of Object.entries(message.versions)) {
    const points = versions[name]?.points ?? [];
    const last = points.at(-1);
    if (last && last.at >= point.at) continue;
    versions[name] = { role, points: [...points.filter(({ at }) => Date.parse(at) > oldest), point] };
  }
  return { ...past, to: message.at, versions };
}

/** Which latency is drawn. */
export type Quantile = 'p50' | 'p95' | 'p99';

/** What is known of a version in some stretch of time. Null where there is nothing to know it from. */
export interface Sample {
  perSecond: number;
  failedShare: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  requests: number;
}

/**
 * Sums up the points of some seconds; seconds without requests have none. Quantiles of seconds cannot be merged exactly;
 * the mean of them, weighted by requests, stands for the quantile of the whole.
 */
export function summarize(points: readonly TrafficPoint[], secs: number): Sample {
  let requests = 0;
  let failed = 0;
  const sums = { p50: 0, p95: 0, p99: 0 };
  let timed = 0;
  for (const point of points) {
    requests += point.requests;
    failed += point.failed;
    if (point.p50 == null || point.p95 == null || point.p99 == null) continue;
    timed += point.requests;
    sums.p50 += point.p50 * point.requests;
    sums.p95 += point.p95 * point.requests;
    sums.p99 += point.p99 * point.requests;
  }
  const mean = (sum: number) => (timed > 0 ? sum / timed : null);
  return {
    perSecond: requests / secs,
    failedShare: requests > 0 ? failed / requests : null,
    p50: mean(sums.p50),
    p95: mean(sums.p95),
    p99: mean(sums.p99),
    requests,
  };
}

/** Samples of each version on one row of times. */
export interface Series {
  /** The middle of each stretch, in seconds since 1970, as uPlot wants it. */
  times: number[];
  /** One sample for each time. */
  samples: Record<string, Sample[]>;
}

/** A stretch that is long enough to be calm and short enough to show a step: about 120 of them in the window. */
export const stretchSecs = (windowMillis: number) => {
  const wanted = windowMillis / 1000 / 120;
  return [2, 5, 10].find((secs) => secs >= wanted) ?? 10;
};

/** Over how many seconds failures are summed up: of a few requests in one second, one failure says little. */
export const FAILED_SECS = 10;

/** Sums up the points between two times. The last stretch is left out until it is over. */
export function series(traffic: Traffic, names: readonly string[], from: number, to: number): Series {
  const width = stretchSecs(to - from) * 1000;
  const first = Math.ceil(from / width);
  const length = Math.max(0, Math.floor(to / width) - first);
  const times = Array.from({ length }, (_, i) => ((first + i) * width + width / 2) / 1000);
  const trailing = Math.max(1, Math.round((FAILED_SECS * 1000) / width));
  const samples: Record<string, Sample[]> = {};
  for (const name of names) {
    const stretches = cut(traffic.versions[name]?.points ?? [], width, first, length);
    samples[name] = stretches.map((points, i) => ({
      ...summarize(points, width / 1000),
      failedShare: summarize(stretches.slice(Math.max(0, i + 1 - trailing), i + 1).flat(), FAILED_SECS).failedShare,
    }));
  }
  return { times, samples };
}

/** Points by the stretch that they are in. */
function cut(points: readonly TrafficPoint[], width: number, first: number, length: number): TrafficPoint[][] {
  const stretches: TrafficPoint[][] = Array.from({ length }, () => []);
  // A point stands for the second that ended at its time.
  for (const point of points) stretches[Math.floor((Date.parse(point.at) - 1) / width) - first]?.push(point);
  return stretches;
}

/** The last seconds of a version. */
export function latest(traffic: Traffic, name: string, secs: number, now: number): Sample {
  const from = now - secs * 1000;
  return summarize((traffic.versions[name]?.points ?? []).filter(({ at }) => Date.parse(at) > from), secs);
}

/** How long a second may be on its way to here. */
const LATE_MILLIS = 3000;

/** Up to when the traffic is known. Without requests no message comes: then it is known that there were none. */
export const knownUntil = (traffic: Traffic, now: number) => Math.max(Date.parse(traffic.to), now - LATE_MILLIS);
