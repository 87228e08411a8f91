import { QueryClient } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { advance, record, write } from './live';
import { keys, type List, type ReleaseFilter } from './queries';
import type { EventRecord, LiveMessage, PhaseName, Release, Standing, Traffic } from './resources';

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

describe('what is live where', () => {
  const there = (name: string) => ({ live: '2.0.3', release: { name, version: '2.1.0', phase: 'Progressing', share: 5_000 }, waiting: [] });
  const standing = {
    environments: [],
    services: [
      { name: 'checkout', environments: { production: there('checkout-2.1.0-1'), staging: there('checkout-staging-2.1.0-1') } },
      { name: 'payments', environments: { production: there('checkout-2.1.0-1') } },
    ],
  } as unknown as Standing;
  const status = (changes: object) => ({
    phase: 'AwaitingApproval', split: { observed: { candidate: 25_000 } }, services: [], ...changes,
  });
  const changed = (name: string, changes: object = {}) => ({ ...release(name, 'Progressing'), status: status(changes) }) as unknown as Release;

  it('follows the release that it shows, and no other', () => {
    const after = advance(standing, changed('checkout-2.1.0-1'), 'production');
    expect(after.services[0]?.environments.production?.release).toMatchObject({ share: 25_000, phase: 'AwaitingApproval' });
    expect(after.services[0]?.environments.staging).toBe(standing.services[0]?.environments.staging);
    expect(advance(standing, changed('catalogue-1.0.0-1'), 'production')).toBe(standing);
  });

  it('gives each of several services its own share', () => {
    const services = [{ service: 'payments', share: { candidate: 50_000 } }, { service: 'checkout', share: { candidate: 18_000 } }];
    const after = advance(standing, changed('checkout-2.1.0-1', { services }), 'production');
    expect(after.services.map(({ environments }) => environments.production?.release?.share)).toEqual([18_000, 50_000]);
  });
});
