// What the pages ask for. Nothing here polls: the live connection writes into the same cache (see live.ts).

import { type QueryClient, queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { serverTime } from '../clock';
import { body, client } from './client';
import { ProblemError } from './problem';
import { nextChange } from '../format/calendar';
import {
  type Environment, environmentOf, type EventList, type EventRecord, type HandOn, newer, type Release, type Schedule, type Standing,
  type StartRelease, type Verb,
} from './resources';

/** The most that a list shows; past it the page says so. */
export const LIST_MAX = 200;

export interface List<T> {
  items: T[];
  /** Whether there are more than these. */
  hasMore: boolean;
}

/** Which releases a list holds. */
export interface ReleaseFilter {
  environment?: string;
  service?: string;
  active?: boolean;
  limit?: number;
}

export const keys = {
  services: ['services'] as const,
  service: (environment: string, name: string) => ['service', environment, name] as const,
  releases: (filter: ReleaseFilter) => ['releases', filter] as const,
  release: (environment: string, name: string) => ['release', environment, name] as const,
  policies: ['policies'] as const,
  environment: (name: string) => ['environment', name] as const,
  standing: ['standing'] as const,
  traffic: (environment: string, service: string) => ['traffic', environment, service] as const,
  events: ['events'] as const,
};

const toList = <T>({ items, next }: { items: T[]; next: string | null }): List<T> => ({ items, hasMore: next !== null });

export const servicesQuery = queryOptions({
  queryKey: keys.services,
  queryFn: async () => toList(await body(client.GET('/api/v1/services', { params: { query: { limit: LIST_MAX } } }))),
});

export const serviceQuery = (environment: string, name: string) =>
  queryOptions({
    queryKey: keys.service(environment, name),
    queryFn: () => body(client.GET('/api/v1/services/{name}', { params: { path: { name }, query: { environment } } })),
  });

export const releasesQuery = (filter: ReleaseFilter) =>
  queryOptions({
    queryKey: keys.releases(filter),
    queryFn: async () =>
      toList(
        await body(
          client.GET('/api/v1/releases', { params: { query: { ...filter, newest: true, limit: filter.limit ?? LIST_MAX } } }),
        ),
      ),
  });

export const releaseQuery = (environment: string, name: string) =>
  queryOptions({
    queryKey: keys.release(environment, name),
    queryFn: () => body(client.GET('/api/v1/releases/{name}', { params: { path: { name }, query: { environment } } })),
  });

export const policiesQuery = queryOptions({
  queryKey: keys.policies,
  queryFn: async () => toList(await body(client.GET('/api/v1/policies', { params: { query: { limit: LIST_MAX } } }))),
});

/** The document of an environment; none for one that nobody has described, whose rules are the default ones. */
export const environmentQuery = (name: string) =>
  queryOptions({
    queryKey: keys.environment(name),
    queryFn: async (): Promise<Environment | null> => {
      try {
        return await body(client.GET('/api/v1/environments/{name}', { params: { path: { name } } }));
      } catch (error) {
        if (error instanceof ProblemError && error.code === 'not-found') return null;
        throw error;
      }
    },
  });

/** The longest that a browser's timer takes. */
const TIMER_MAX_MILLIS = 2 ** 31 - 1;

export const standingQuery = queryOptions({
  queryKey: keys.standing,
  queryFn: async (): Promise<Standing> => body(client.GET('/api/v1/standing')),
  // No message tells that a window opens or a freeze ends, but when that will be is known.
  refetchInterval: ({ state: { data } }) => {
    const now = serverTime();
    const at = data && nextChange(data, now);
    return at === undefined ? false : Math.min(TIMER_MAX_MILLIS, at - now + 1000);
  },
});

/** What would be released, by whom. */
export interface Prospect extends Pick<StartRelease, 'service' | 'version' | 'environment' | 'policy'> {
  actor: string;
  /** Whether it would go ahead in spite of the calendar and the order of environments. */
  isOverridden: boolean;
}

/** How a release would go. Asked anew each time, because it begins now. */
export const scheduleQuery = ({ actor, isOverridden, ...request }: Prospect) =>
  queryOptions({
    queryKey: ['schedule', request, actor, isOverridden] as const,
    queryFn: async () =>
      (await body(
        client.POST('/api/v1/releases', {
          params: { query: { dryRun: true } },
          headers: actor ? { 'x-sluice-actor': actor } : {},
          // Nothing is done, so nothing is logged; the reason is asked for before something is.
          body: { ...request, ...(isOverridden && { override: 'to see the schedule' }) },
        }),
      )) as Schedule,
    staleTime: 0,
    gcTime: 0,
  });

/** What a release would be able to see, for the traffic as it is now. */
export const forecastQuery = ({ service, version, environment, policy }: Omit<Prospect, 'actor' | 'isOverridden'>) =>
  queryOptions({
    queryKey: ['forecast', environment, service, version, policy] as const,
    queryFn: () =>
      body(client.POST('/api/v1/forecasts', { body: { service, version, ...(environment && { environment }), ...(policy && { policy }) } })),
    staleTime: 0,
    gcTime: 0,
  });

/**
 * Why a release is where it is, or was at a moment. What is so now is asked for anew with each version of the release
 * that comes in; what was so then stays.
 */
export const accountQuery = ({ metadata: { name, resourceVersion, environment } }: Release, at: string | undefined) =>
  queryOptions({
    queryKey: ['account', environment, name, at ?? resourceVersion] as const,
    queryFn: () =>
      body(client.GET('/api/v1/releases/{name}/explain', { params: { path: { name }, query: { ...(at && { at }) } } })),
    gcTime: at ? 300_000 : 0,
  });

export const trafficQuery = (environment: string, service: string) =>
  queryOptions({
    queryKey: keys.traffic(environment, service),
    queryFn: () =>
      body(
        client.GET('/api/v1/services/{name}/traffic', {
          params: { path: { name: service }, query: { environment, since: '10m' } },
        }),
      ),
  });

/** How many events are asked for at once. */
export const EVENTS_PAGE = 200;

/** The address answers with a stream too, to those who ask for one; the client asks for JSON. */
const eventPage = async (query: { after?: number; newest?: boolean; limit: number }) =>
  (await body(client.GET('/api/v1/events', { params: { query } }))) as EventList;

const newestFirst = (items: EventRecord[]) => items.toSorted((a, b) => b.seq - a.seq);

export const eventsQuery = queryOptions({
  queryKey: keys.events,
  queryFn: async () => newestFirst((await eventPage({ newest: true, limit: EVENTS_PAGE })).items),
});

/** The events right before those that are known. Places in the log have no holes, so that one can count back. */
export function useOlderEvents() {
  const cache = useQueryClient();
  return useMutation<EventRecord[], ProblemError, number>({
    mutationFn: async (oldest) => {
      const limit = Math.min(EVENTS_PAGE, oldest - 1);
      const page = await eventPage({ after: oldest - 1 - limit, limit });
      return newestFirst(page.items.filter(({ seq }) => seq < oldest));
    },
    onSuccess: (older) => cache.setQueryData<EventRecord[]>(keys.events, (list) => list && [...list, ...older]),
  });
}

/** One verb, as somebody meant it. */
export interface Act {
  verb: Verb;
  reason: string;
  /** The same for every attempt at the same thing, so that it is done once. */
  idempotencyKey: string;
}

// These mean "from what I see now"; pausing and taking back are right whatever has happened meanwhile.
const NEEDS_FRESH_EYES: ReadonlySet<Verb> = new Set(['promote', 'resume', 'retry', 'override']);

/** Carries out a verb on a release that is on the screen. */
export function useAct(release: Release) {
  const cache = useQueryClient();
  const { name, resourceVersion } = release.metadata;
  const environment = environmentOf(release);
  return useMutation<Release, ProblemError, Act>({
    mutationFn: ({ verb, reason, idempotencyKey }) =>
      body(
        client.POST(`/api/v1/releases/{name}/${verb}`, {
          params: {
            path: { name },
            header: {
              'Idempotency-Key': idempotencyKey,
              ...(NEEDS_FRESH_EYES.has(verb) && resourceVersion != null && { 'If-Match': `"${resourceVersion}"` }),
            },
          },
          body: reason ? { reason } : {},
        }),
      ),
    onSuccess: (changed) => learn(cache, changed),
    onError: () => cache.invalidateQueries({ queryKey: keys.release(environment, name) }),
  });
}

/** Starts a release. */
export function useStart() {
  const cache = useQueryClient();
  return useMutation<Release, ProblemError, StartRelease & { idempotencyKey: string }>({
    mutationFn: async ({ idempotencyKey, ...request }) =>
      (await body(client.POST('/api/v1/releases', { params: { header: { 'Idempotency-Key': idempotencyKey } }, body: request }))) as Release,
    onSuccess: (started) => learn(cache, started),
  });
}

/** Hands a version on to another environment, which starts its release there. */
export function useHandOn(service: string) {
  const cache = useQueryClient();
  return useMutation<Release, ProblemError, HandOn & { idempotencyKey: string }>({
    mutationFn: ({ idempotencyKey, ...request }) =>
      body(
        client.POST('/api/v1/services/{name}/promote', {
          params: { path: { name: service }, header: { 'Idempotency-Key': idempotencyKey } },
          body: request,
        }),
      ),
    onSuccess: (started) => learn(cache, started),
  });
}

/** Takes over a release that an answer brought. */
function learn(cache: QueryClient, release: Release) {
  const key = keys.release(environmentOf(release), release.metadata.name);
  cache.setQueryData<Release>(key, (known) => (known ? newer(known, release) : release));
}
