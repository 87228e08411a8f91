// Changes as they happen. One connection for the whole page; what comes in is written into the cache of queries, and
// the pages follow. After a break everything on the screen is asked for again, so that nothing that happened meanwhile
// is missed.

import { notifyManager, type QueryClient, type QueryKey } from '@tanstack/react-query';
import { setServerTime } from '../clock';
import { keys, type List, type ReleaseFilter } from './queries';
import {
  environmentOf, type EventRecord, isActive, type LiveMessage, type Named, newer, type Release, type Service, type Standing, type Traffic,
} from './resources';
import { append } from './traffic';

export type Connection = 'connecting' | 'open' | 'lost';

const EVENTS = ['hello', 'log', 'release', 'service', 'traffic', 'resync'] as const satisfies LiveMessage['event'][];

/** Messages are written together, this often at most, so that a thousand releases do not draw a thousand times. */
const FLUSH_MILLIS = 100;
/** What is live where is asked for again this long after a line of the log, so that many of them ask once. */
const STANDING_MILLIS = 300;
/** Between two attempts, where the browser has given up trying by itself. */
const RECONNECT_MILLIS = 2000;

const isSame = (a: Named, b: Named) => a.metadata.name === b.metadata.name && environmentOf(a) === environmentOf(b);

/** A list with a changed resource in it: replaced where it stands, first where it is new. */
export function upsert<T extends Named>(list: List<T>, changed: T, belongs: boolean): List<T> {
  const index = list.items.findIndex((item) => isSame(item, changed));
  const known = list.items[index];
  if (!known) return belongs ? { ...list, items: [changed, ...list.items] } : list;
  if (newer(known, changed) === known) return list;
  return { ...list, items: belongs ? list.items.with(index, changed) : list.items.toSpliced(index, 1) };
}

function matches(release: Release, filter: ReleaseFilter): boolean {
  return (
    (filter.service === undefined || release.spec.service === filter.service) &&
    (filter.environment === undefined || environmentOf(release) === filter.environment) &&
    (filter.active === undefined || filter.active === isActive(release.status))
  );
}

/** A page that stays open for weeks does not grow for ever. */
const EVENTS_MAX = 5000;

/** A list of events, newest first, with one more in it if it is not there yet. */
export function record(list: EventRecord[], event: EventRecord): EventRecord[] {
  const newest = list[0];
  if (newest && newest.seq >= event.seq) return list;
  return [event, ...list].slice(0, EVENTS_MAX);
}

/** What is live where, with what is known anew of a release that it shows; the same object when it shows none of it. */
export function advance(standing: Standing, { metadata: { name }, status }: Release, environment: string): Standing {
  let isChanged = false;
  const shared = new Map(status.services.map(({ service, share }) => [service, share.candidate]));
  const services = standing.services.map((service) => {
    const there = service.environments[environment];
    if (there?.release?.name !== name) return service;
    const share = shared.get(service.name) ?? status.split.observed.candidate;
    if (there.release.share === share && there.release.phase === status.phase) return service;
    isChanged = true;
    const release = { ...there.release, share, phase: status.phase };
    return { ...service, environments: { ...service.environments, [environment]: { ...there, release } } };
  });
  return isChanged ? { ...standing, services } : standing;
}

/** Writes one message into the cache. */
export function write(cache: QueryClient, message: LiveMessage) {
  switch (message.event) {
    case 'hello':
      setServerTime(Date.parse(message.data.at));
      void cache.invalidateQueries();
      break;
    case 'resync':
      void cache.invalidateQueries();
      break;
    case 'release': {
      const release = message.data;
      update<Release>(cache, keys.release(environmentOf(release), release.metadata.name), (known) => newer(known, release));
      for (const { queryKey } of cache.getQueryCache().findAll({ queryKey: ['releases'] })) {
        const filter = queryKey[1] as ReleaseFilter;
        update<List<Release>>(cache, queryKey, (list) => upsert(list, release, matches(release, filter)));
      }
      update<Standing>(cache, keys.standing, (standing) => advance(standing, release, environmentOf(release)));
      break;
    }
    case 'service': {
      const service = message.data;
      update<Service>(cache, keys.service(environmentOf(service), service.metadata.name), (known) => newer(known, service));
      update<List<Service>>(cache, keys.services, (list) => upsert(list, service, true));
      break;
    }
    case 'log':
      update<EventRecord[]>(cache, keys.events, (list) => record(list, message.data));
      askAgain(cache, message.data);
      break;
    case 'traffic':
      update<Traffic>(cache, keys.traffic(message.data.environment, message.data.service), (past) => append(past, message.data));
      break;
  }
}

/**
 * Changes what is known under a key, if anything is. An answer that is on its way may be older than the change and
 * would undo it, so that it is made once more after that; no change does harm when it is made twice.
 */
function update<T>(cache: QueryClient, queryKey: QueryKey, change: (known: T) => T) {
  const make = () => cache.setQueryData<T>(queryKey, (known) => known && change(known));
  make();
  const query = cache.getQueryCache().find({ queryKey, exact: true });
  if (query?.state.fetchStatus === 'fetching') void query.promise?.then(make, () => undefined);
}

/** Some changes come as a line of the log alone: deletions, and documents that have no message of their own. */
function askAgain(cache: QueryClient, event: EventRecord) {
  const { kind } = event.subject;
  if (kind === 'Environment') void cache.invalidateQueries({ queryKey: keys.environment(event.subject.name) });
  if (kind === 'Policy') void cache.invalidateQueries({ queryKey: keys.policies });
  if (!event.kind.endsWith('deleted')) return;
  if (kind === 'Service') void cache.invalidateQueries({ predicate: ({ queryKey: [first] }) => first === 'services' || first === 'service' });
  if (kind === 'Release') void cache.invalidateQueries({ predicate: ({ queryKey: [first] }) => first === 'releases' || first === 'release' });
}

/** Connects, and goes on doing so until the returned function is called. */
export function follow(cache: QueryClient, onChange: (connection: Connection) => void): () => void {
  let source: EventSource | undefined;
  let waiting: LiveMessage[] = [];
  let version: string | undefined;
  let flushTimer: ReturnType<typeof setTimeout> | undefined;
  let standingTimer: ReturnType<typeof setTimeout> | undefined;
  let reconnectTimer: ReturnType<typeof setTimeout> | undefined;

  // Everything that begins, ends or is announced is in the log; between that, releases say themselves how far they are.
  const askForStanding = () => {
    standingTimer = undefined;
    void cache.invalidateQueries({ queryKey: keys.standing });
  };

  const flush = () => {
    flushTimer = undefined;
    const messages = waiting;
    waiting = [];
    notifyManager.batch(() => {
      for (const message of messages) write(cache, message);
    });
    if (messages.some(({ event }) => event === 'log')) standingTimer ??= setTimeout(askForStanding, STANDING_MILLIS);
  };
  const take = (message: LiveMessage) => {
    if (message.event === 'hello') {
      // The server was exchanged for another version, and this page came from the old one.
      if (version !== undefined && version !== message.data.version) location.reload();
      version = message.data.version;
    }
    waiting.push(message);
    flushTimer ??= setTimeout(flush, FLUSH_MILLIS);
  };
  const connect = () => {
    source = new EventSource('/api/v1/events');
    source.onopen = () => onChange('open');
    source.onerror = () => {
      onChange('lost');
      if (source?.readyState === EventSource.CLOSED) reconnectTimer = setTimeout(connect, RECONNECT_MILLIS);
    };
    for (const event of EVENTS) {
      source.addEventListener(event, ({ data }: MessageEvent<string>) => take({ event, data: JSON.parse(data) } as LiveMessage));
    }
  };

  connect();
  return () => {
    source?.close();
    clearTimeout(flushTimer);
    clearTimeout(standingTimer);
    clearTimeout(reconnectTimer);
  };
}
