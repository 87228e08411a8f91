// The one way to ask the control plane. Its types are generated from the OpenAPI document.

import createClient, { type Middleware } from 'openapi-fetch';
import { actor } from '../actor';
import { ProblemError } from './problem';
import type { ProblemDetails } from './resources';
import type { paths } from './schema';

const naming: Middleware = {
  onRequest({ request }) {
    // Whoever is about to act may have typed another name than the one that is kept.
    if (actor() && !request.headers.has('x-sluice-actor')) request.headers.set('x-sluice-actor', actor());
    return request;
  },
  onError: () => ProblemError.unreachable(),
};

export const client = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '' });
client.use(naming);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The answer's body, or a [`ProblemError`]. */
export async function body<T>(pending: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await pending;
  if (data === undefined) throw ProblemError.from(error as ProblemDetails | undefined, response.status);
  return data;
}
