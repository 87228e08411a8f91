// A version of a service: a real HTTP server that answers as told.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Behaviour {
  /** Milliseconds before an answer. */
  latency: number;
  /** One request in so many fails; none when zero. */
  failsEvery: number;
}

export interface Endpoint {
  address: string;
  close: () => void;
}

export async function startEndpoint(version: string, { latency, failsEvery }: Behaviour): Promise<Endpoint> {
  let answered = 0;
  const server: Server = createServer((request, response) => {
    if (request.url === '/healthz') return response.end('ok');
    answered += 1;
    const isFailing = failsEvery > 0 && answered % failsEvery === 0;
    // Spread around the mean, so that quantiles differ.
    const wait = latency * (0.6 + 0.8 * Math.random());
    setTimeout(() => response.writeHead(isFailing ? 500 : 200).end(version), wait);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
