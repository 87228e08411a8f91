import { describe, expect, it } from 'vitest';
import type { Traffic, TrafficNow, TrafficPoint } from './resources';
import { append, HISTORY_MILLIS, knownUntil, latest, series, summarize } from './traffic';

const START = Date.parse('2026-11-23T09:30:00.000Z');
const at = (secs: number) => new Date(START + secs * 1000).toISOString();
const point = (secs: number, requests: number, failed = 0, p95 = 80): TrafficPoint => ({ at: at(secs), requests, failed, p50: 30, p95, p99: 120 });

const traffic = (versions: Record<string, TrafficPoint[]>) =>
  ({
    service: 'checkout', environment: 'production', from: at(0), to: at(60), step: '1s',
    versions: Object.fromEntries(Object.entries(versions).map(([name, points]) => [name, { role: 'stable', points }])),
  }) as Traffic;

const message = (secs: number, requests: number): TrafficNow => ({
  service: 'checkout', environment: 'production', at: at(secs), versions: { '2.0.3': { role: 'stable', ...point(secs, requests) } },
});

describe('appending a second', () => {
  it('forgets what is older than the control plane keeps', () => {
    const past = traffic({ '2.0.3': [point(0, 1), point(1, 1)] });
    const now = append(past, message(HISTORY_MILLIS / 1000 + 0.5, 7));
    expect(now.versions['2.0.3']?.points.map(({ requests }) => requests)).toEqual([1, 7]);
  });

  it('does not count a second twice that was in the past already', () => {
    const past = traffic({ '2.0.3': [point(0, 5)] });
    expect(append(past, message(0, 5)).versions['2.0.3']?.points).toHaveLength(1);
  });
});

describe('summing up', () => {
  it('weighs latency by requests', () => {
    expect(summarize([point(0, 30, 0, 100), point(1, 10, 0, 200)], 2)).toMatchObject({ perSecond: 20, p95: 125 });
  });

  it('knows nothing of the failures of no requests', () => {
    expect(summarize([point(0, 0)], 1).failedShare).toBeNull();
    expect(summarize([], 2)).toMatchObject({ perSecond: 0, p95: null });
  });
});

describe('the last seconds', () => {
  it('are empty when no request has come for a while, although no message says so', () => {
    const values = traffic({ '2.0.3': [point(55, 10), point(60, 10)] });
    expect(knownUntil(values, START + 61_000)).toBe(START + 60_000);
    expect(latest(values, '2.0.3', 10, START + 60_000).perSecond).toBe(2);
    expect(knownUntil(values, START + 90_000)).toBe(START + 87_000);
    expect(latest(values, '2.0.3', 10, START + 87_000).perSecond).toBe(0);
  });
});

describe('a series', () => {
  const row = (values: Traffic, name: string) => series(values, ['2.0.3', '2.1.0'], START, START + 6_500).samples[name];

  it('counts seconds without requests, which have no point', () => {
    const values = traffic({ '2.0.3': [point(1, 10), point(2, 10), point(3, 10)] });
    expect(row(values, '2.0.3')?.map(({ perSecond }) => perSecond)).toEqual([10, 5, 0]);
  });

  it('leaves out the last stretch until it is over', () => {
    expect(series(traffic({}), [], START, START + 6_500).times).toHaveLength(3);
  });

  it('holds failures against the requests of several seconds', () => {
    const values = traffic({ '2.1.0': [point(1, 9), point(3, 1, 1)] });
    expect(row(values, '2.1.0')?.[1]?.failedShare).toBe(0.1);
  });
});
