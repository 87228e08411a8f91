// Services in words.

import type { RouteSpec, Service, VersionStatus } from '../api/resources';

/** `shop.example.com/checkout`, `*.example.com`, `every request`, `/search (GET or HEAD, x-beta: 1)`. */
export function route(spec: RouteSpec): string {
  const demanded = demands(spec);
  return demanded.length === 0 ? place(spec) : `${place(spec)} (${demanded.join(', ')})`;
}

function place({ host, path }: RouteSpec): string {
  const isEverywhere = host === undefined || host === '*';
  if (path === undefined || path === '/') return isEverywhere ? 'every request' : host;
  return isEverywhere ? path : `${host}${path}`;
}

function demands({ scheme, methods = [], headers = {}, query = {}, when }: RouteSpec): string[] {
  return [
    ...(scheme ? [scheme] : []),
    ...(methods.length > 0 ? [methods.join(' or ')] : []),
    ...Object.entries(headers).map(([name, wanted]) => `${name}: ${wanted}`),
    ...Object.entries(query).map(([name, wanted]) => `?${name}=${wanted}`),
    ...(when ? [when] : []),
  ];
}

/** `2 of 2 endpoints ready`. */
export const readiness = ({ endpoints: { ready, total } }: VersionStatus) =>
  `${ready} of ${total} ${total === 1 ? 'endpoint' : 'endpoints'} ready`;

/** How a version's endpoints stand. */
export type Health = 'good' | 'warn' | 'bad';

export function health({ endpoints: { ready, total } }: VersionStatus): Health {
  if (ready === 0) return 'bad';
  return ready < total ? 'warn' : 'good';
}

/** The versions that a release can be started for: those that are not live and not being released. */
export const releasable = (service: Service) =>
  service.status.versions.filter(({ name, role }) => name !== service.status.live && role !== 'candidate');
