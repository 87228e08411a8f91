import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { record, write } from './live';
import { type EventFilter, keys, type List, type ReleaseFilter } from './queries';
import type { EventRecord, PhaseName, Release, Traffic } from './resources';

const release = (name: string, phase: PhaseName, service = 'checkout') =>
  ({ kind: 'Release', metadata: { name, environment: 'production' }, spec: { service, version: '2.1.0' }, status: { phase } }) as Release;

const event = (seq: number, name = 'checkout-2.1.0-1') =>
  ({ seq, kind: 'release.step', subject: { kind: 'Release', environment: 'production', name } }) as EventRecord;

function listed(filter: ReleaseFilter, items: Release[]) {
  const cache = new QueryClient();
  cache.setQueryData(keys.releases(filter), { items, hasMore: false });
  const names = () => cache.getQueryData<List<Release>>(keys.releases(filter))?.items.map(({ metadata, status }) => `${metadata.name} ${status.phase}`);
  return { cache, names };
}

describe('a change of a release', () => {
  it('replaces it where it is listed', () => {
    const { cache, names } = listed({}, [release('b', 'Pending'), release('a', 'Succeeded')]);
    write(cache, { type: 'release', data: release('a', 'RollingBack') });
    expect(names()).toEqual(['b Pending', 'a RollingBack']);
  });

  it('takes it out of the list of active ones when it ends', () => {
    const { cache, names } = listed({ active: true }, [release('a', 'Progressing')]);
    write(cache, { type: 'release', data: release('a', 'Aborted') });
    expect(names()).toEqual([]);
  });

  it('puts a new one first, but not into the list of another service', () => {
    const { cache, names } = listed({ service: 'checkout' }, [release('a', 'Succeeded')]);
    write(cache, { type: 'release', data: release('b', 'Pending') });
    write(cache, { type: 'release', data: release('c', 'Pending', 'search') });
    expect(names()).toEqual(['b Pending', 'a Succeeded']);
  });
});

describe('a line of the log', () => {
  const filter: EventFilter = { limit: 2, name: 'checkout-2.1.0-1' };

  it('comes first, and the list keeps its length', () => {
    expect(record([event(2), event(1)], event(3), filter).map(({ seq }) => seq)).toEqual([3, 2]);
  });

  it('is not shown twice when it is sent again after a break', () => {
    const list = [event(3), event(2)];
    expect(record(list, event(3), filter)).toBe(list);
  });

  it('stays out of a list that it does not belong to', () => {
    const list = [event(3)];
    expect(record(list, event(4, 'search-5.0.0-1'), filter)).toBe(list);
  });
});

describe('a second of traffic', () => {
  it('waits for the past to be asked for', () => {
    const cache = new QueryClient();
    write(cache, { type: 'traffic', data: { service: 'checkout', environment: 'production', at: '2026-11-23T09:30:00.000Z', versions: {} } });
    expect(cache.getQueryData<Traffic>(keys.traffic('production', 'checkout'))).toBeUndefined();
  });
});
