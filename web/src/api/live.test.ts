import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { record, write } from './live';
import { keys, type List, type ReleaseFilter } from './queries';
import type { EventRecord, LiveMessage, PhaseName, Release, Traffic } from './resources';

const release = (name: string, phase: PhaseName, service = 'checkout') =>
  ({ metadata: { name, environment: 'production' }, spec: { service, version: '2.1.0' }, status: { phase } }) as Release;

const live = (event: LiveMessage['event'], data: unknown) => ({ event, data }) as LiveMessage;

const event = (seq: number) => ({ seq, subject: { kind: 'Release', name: 'checkout-2.1.0-1' } }) as EventRecord;

function listed(filter: ReleaseFilter, items: Release[]) {
  const cache = new QueryClient();
  cache.setQueryData(keys.releases(filter), { items, hasMore: false });
  const names = () => cache.getQueryData<List<Release>>(keys.releases(filter))?.items.map(({ metadata, status }) => `${metadata.name} ${status.phase}`);
  return { cache, names };
}

describe('a change of a release', () => {
  it('replaces it where it is listed', () => {
    const { cache, names } = listed({}, [release('b', 'Pending'), release('a', 'Succeeded')]);
    write(cache, live('release', release('a', 'RollingBack')));
    expect(names()).toEqual(['b Pending', 'a RollingBack']);
  });

  it('takes it out of the list of active ones when it ends', () => {
    const { cache, names } = listed({ active: true }, [release('a', 'Progressing')]);
    write(cache, live('release', release('a', 'Aborted')));
    expect(names()).toEqual([]);
  });

  it('leaves one among the active ones that can still be rolled back', () => {
    const { cache, names } = listed({ active: true }, [release('a', 'Promoting')]);
    const kept = release('a', 'Succeeded');
    write(cache, live('release', { ...kept, status: { ...kept.status, keptUntil: '2026-11-23T10:30:00.000Z' } }));
    expect(names()).toEqual(['a Succeeded']);
  });

  it('puts a new one first, but not into the list of another service', () => {
    const { cache, names } = listed({ service: 'checkout' }, [release('a', 'Succeeded')]);
    write(cache, live('release', release('b', 'Pending')));
    write(cache, live('release', release('c', 'Pending', 'search')));
    expect(names()).toEqual(['b Pending', 'a Succeeded']);
  });
});

describe('what arrives in the wrong order', () => {
  const at = (phase: PhaseName, resourceVersion: number) => {
    const { metadata, ...rest } = release('a', phase);
    return { metadata: { ...metadata, resourceVersion }, ...rest };
  };
  const phase = (cache: QueryClient) => cache.getQueryData<Release>(keys.release('production', 'a'))?.status.phase;

  it('does not undo what is newer', () => {
    const { cache, names } = listed({}, [at('Aborted', 7)]);
    cache.setQueryData(keys.release('production', 'a'), at('Aborted', 7));
    write(cache, live('release', at('RollingBack', 6)));
    expect(phase(cache)).toBe('Aborted');
    expect(names()).toEqual(['a Aborted']);
  });

  it('is not undone by an answer that was on its way before', async () => {
    const cache = new QueryClient();
    let answer: (release: Release) => void = () => undefined;
    const asked = cache.fetchQuery({
      queryKey: keys.release('production', 'a'),
      queryFn: () => new Promise<Release>((resolve) => (answer = resolve)),
    });
    write(cache, live('release', at('Aborted', 7)));
    answer(at('RollingBack', 6));
    await asked;
    await expect.poll(() => phase(cache)).toBe('Aborted');
  });
});

describe('a line of the log', () => {
  it('comes first', () => {
    expect(record([event(2), event(1)], event(3)).map(({ seq }) => seq)).toEqual([3, 2, 1]);
  });

  it('is not shown twice when it is sent again after a break', () => {
    const list = [event(3), event(2)];
    expect(record(list, event(3))).toBe(list);
  });
});

describe('a second of traffic', () => {
  it('waits for the past to be asked for', () => {
    const cache = new QueryClient();
    write(cache, live('traffic', { service: 'checkout', environment: 'production', at: '2026-11-23T09:30:00.000Z', versions: {} }));
    expect(cache.getQueryData<Traffic>(keys.traffic('production', 'checkout'))).toBeUndefined();
  });
});
