// People: each has an id, and asks for something at a steady pace.

import { Agent, request } from 'node:http';

export interface Visitors {
  stop: () => void;
}

const PEOPLE = 400;

/** Sends so many requests a second to a gateway, by 400 people in turn. */
export function sendVisitors(gateway: string, host: string, perSecond: number): Visitors {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let next = 0;
  const visit = () => {
    next += 1;
    const headers = { host, 'x-user-id': `visitor-${next % PEOPLE}` };
    // What a visitor gets is counted by the gateway; here it only has to be read to its end.
    request(`${gateway}/`, { agent, headers }, (response) => response.resume()).on('error', () => undefined).end();
  };
  const timer = setInterval(visit, 1000 / perSecond);
  return {
    stop: () => {
      clearInterval(timer);
      agent.destroy();
    },
  };
}
