// What the pages ask for. Nothing here polls: the live connection writes into the same cache (see live.ts).

import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { body, client } from './client';
import { ProblemError } from './problem';
import { environmentOf, type Policy, type Release, type ReleaseRequest, type Resource, type Service, type Verb } from './resources';

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

/** Which events a list holds. */
export interface EventFilter {
  kind?: string;
  name?: string;
  environment?: string;
  limit: number;
}

export const keys = {
  services: ['services'] as const,
  service: (environment: string, name: string) => ['service', environment, name] as const,
  releases: (filter: ReleaseFilter) => ['releases', filter] as const,
  release: (environment: string, name: string) => ['release', environment, name] as const,
  policies: ['policies'] as const,
  traffic: (environment: string, service: string) => ['traffic', environment, service] as const,
  events: (filter: EventFilter) => ['events', filter] as const,
};

function toList<T extends Resource>(page: { items: Resource[]; next?: string | null }): List<T> {
  return { items: page.items as T[], hasMore: page.next != null };
}

export const servicesQuery = queryOptions({
  queryKey: keys.services,
  queryFn: async () => toList<Service>(await body(client.GET('/api/v1/services', { params: { query: { limit: LIST_MAX } } }))),
});

export const serviceQuery = (environment: string, name: string) =>
  queryOptions({
    queryKey: keys.service(environment, name),
    queryFn: async () =>
      (await body(client.GET('/api/v1/services/{name}', { params: { path: { name }, query: { environment } } }))) as Service,
  });

export const releasesQuery = (filter: ReleaseFilter) =>
  queryOptions({
    queryKey: keys.releases(filter),
    queryFn: async () =>
      toList<Release>(
        await body(
          client.GET('/api/v1/releases', { params: { query: { ...filter, newest: true, limit: filter.limit ?? LIST_MAX } } }),
        ),
      ),
  });

export const releaseQuery = (environment: string, name: string) =>
  queryOptions({
    queryKey: keys.release(environment, name),
    queryFn: async () =>
      (await body(client.GET('/api/v1/releases/{name}', { params: { path: { name }, query: { environment } } }))) as Release,
  });

export const policiesQuery = queryOptions({
  queryKey: keys.policies,
  queryFn: async () => toList<Policy>(await body(client.GET('/api/v1/policies', { params: { query: { limit: LIST_MAX } } }))),
});

export const trafficQuery = (environment: string, service: string) =>
  queryOptions({
    queryKey: keys.traffic(environment, service),
    queryFn: async () =>
      body(
        client.GET('/api/v1/services/{name}/traffic', {
          params: { path: { name: service }, query: { environment, since: '10m' } },
        }),
      ),
  });

export const eventsQuery = (filter: EventFilter) =>
  queryOptions({
    queryKey: keys.events(filter),
    queryFn: async () => {
      const page = await body(client.GET('/api/v1/events', { params: { query: { ...filter, newest: true } } }));
      return page.items.toSorted((a, b) => b.seq - a.seq);
    },
  });

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
    mutationFn: async ({ verb, reason, idempotencyKey }) =>
      (await body(
        client.POST(`/api/v1/releases/{name}/${verb}`, {
          params: {
            path: { name },
            query: { environment },
            header: {
              'Idempotency-Key': idempotencyKey,
              ...(NEEDS_FRESH_EYES.has(verb) && resourceVersion != null && { 'If-Match': `"${resourceVersion}"` }),
            },
          },
          body: reason ? { reason } : {},
        }),
      )) as Release,
    onSuccess: (changed) => cache.setQueryData(keys.release(environment, name), changed),
    onError: () => cache.invalidateQueries({ queryKey: keys.release(environment, name) }),
  });
}

/** Starts a release. */
export function useStart() {
  const cache = useQueryClient();
  return useMutation<Release, ProblemError, ReleaseRequest & { idempotencyKey: string }>({
    mutationFn: async ({ idempotencyKey, ...request }) =>
      (await body(
        client.POST('/api/v1/releases', { params: { header: { 'Idempotency-Key': idempotencyKey } }, body: request }),
      )) as Release,
    onSuccess: (release) => cache.setQueryData(keys.release(environmentOf(release), release.metadata.name), release),
  });
}
