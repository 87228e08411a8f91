// What the pages ask for. Nothing here polls: the live connection writes into the same cache (see live.ts).

import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { body, client } from './client';
import { ProblemError } from './problem';
import { environmentOf, type EventList, type EventRecord, newer, type Release, type StartRelease, type Verb } from './resources';

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
const NEEDS_FRESH_EYES: ReadonlySet<Verb> = new Set(['promote', 'resume', 'retry']);

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
    onSuccess: (changed) =>
      cache.setQueryData<Release>(keys.release(environment, name), (known) => (known ? newer(known, changed) : changed)),
    onError: () => cache.invalidateQueries({ queryKey: keys.release(environment, name) }),
  });
}

/** Starts a release. */
export function useStart() {
  const cache = useQueryClient();
  return useMutation<Release, ProblemError, StartRelease & { idempotencyKey: string }>({
    mutationFn: ({ idempotencyKey, ...request }) =>
      body(client.POST('/api/v1/releases', { params: { header: { 'Idempotency-Key': idempotencyKey } }, body: request })),
    onSuccess: (started) =>
      cache.setQueryData<Release>(keys.release(environmentOf(started), started.metadata.name), (known) => (known ? newer(known, started) : started)),
  });
}
