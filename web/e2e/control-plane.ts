// The real `sluice serve`, in a folder of its own and on free ports.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Where `make e2e` built it; another one can be named. */
const BINARY = process.env.SLUICE_BINARY ?? join(import.meta.dirname, '../../target/debug/sluice');

export interface ControlPlane {
  /** Where the dashboard and the API are. */
  url: string;
  /** Where visitors come in. */
  gateway: string;
  /** Applies documents, and fails when they are refused. */
  apply: (...documents: object[]) => Promise<void>;
  /** Starts a release as the API does, and returns its name. */
  release: (service: string, version: string, policy: string, reason?: string, environment?: string) => Promise<string>;
  /** Ends the server; what it keeps stays. */
  end: () => Promise<void>;
  /** Starts it again at the same addresses. */
  begin: () => Promise<void>;
  /** Ends it if it runs, and removes what it keeps. */
  remove: () => Promise<void>;
}

type Server = ChildProcessByStdio<Writable, Readable, null>;

/** Reads the addresses that the server prints when it serves. */
async function addressesOf(child: Server): Promise<{ url: string; gateway: string }> {
  const found: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [, name, address] = /^(dashboard|gateway)\s+(http:\S+)/.exec(line) ?? [];
    if (name && address) found[name] = address;
    if (found.dashboard && found.gateway) return { url: found.dashboard, gateway: found.gateway };
  }
  throw new Error(`${BINARY} ended before it served; see what it said above`);
}

export async function startControlPlane(): Promise<ControlPlane> {
  const data = await mkdtemp(join(tmpdir(), 'sluice-e2e-'));
  const run = async (listen: string, gateway: string) => {
    const args = ['serve', '--data', data, '--listen', listen, '--gateway', gateway, '--log', 'warn', '--stop-with-stdin'];
    const child = spawn(BINARY, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    return { child, ...(await addressesOf(child)) };
  };
  const { url, gateway, ...first } = await run('127.0.0.1:0', '127.0.0.1:0');
  let child: Server | undefined = first.child;
  const post = async (path: string, body: object) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-sluice-actor': 'ci' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} was refused: ${await response.text()}`);
    return response.json();
  };
  const end = async () => {
    if (!child) return;
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
    child = undefined;
  };
  return {
    url,
    gateway,
    apply: async (...documents) => void (await post('/api/v1/apply', documents)),
    release: async (service, version, policy, reason, environment) =>
      (await post('/api/v1/releases', { service, version, policy, ...(reason && { reason }), ...(environment && { environment }) })).metadata.name,
    end,
    begin: async () => void ({ child } = await run(new URL(url).host, new URL(gateway).host)),
    remove: async () => {
      await end();
      await rm(data, { recursive: true, force: true });
    },
  };
}

const API_VERSION = 'sluice.dev/v1alpha1';

/** A Service document; the first version is live. */
export const service = (name: string, host: string, versions: Record<string, string>, environment = 'production') => ({
  apiVersion: API_VERSION,
  kind: 'Service',
  metadata: { name, environment },
  spec: {
    routes: [{ host }],
    unit: [{ header: 'x-user-id' }],
    health: { every: '1s' },
    versions: Object.entries(versions).map(([version, endpoint]) => ({ name: version, endpoints: [endpoint] })),
  },
});

/** A step: its name, a percentage of everyone, and how long it holds; until somebody promotes where that is absent. */
export type Step = [name: string, percent: number, time?: string];

/** A Policy document. A step that is no list stands as it is written in documents. */
export const policy = (name: string, description: string, steps: (Step | { name: string })[], checks: object[]) => ({
  apiVersion: API_VERSION,
  kind: 'Policy',
  metadata: { name },
  spec: {
    description,
    steps: steps.map((step) => {
      if (!Array.isArray(step)) return step;
      const [named, percent, time] = step;
      return { name: named, audience: [{ percent }], hold: time === undefined ? { untilPromoted: true } : { time } };
    }),
    checks,
    onFail: 'rollback',
    keepPrevious: '10m',
  },
});

/** An Environment document. */
export const environment = (name: string, spec: object) => ({ apiVersion: API_VERSION, kind: 'Environment', metadata: { name }, spec });
