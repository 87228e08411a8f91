// Plays a control plane for work on the dashboard without one: a few services, and releases that go on by themselves.
// It keeps nothing and decides by dice; the real thing is `sluice serve`.
//
//   node dev/mock-server.mjs [--port 7070] [--empty]
//
// Other releases stand still, each at something that has to be said or be so. A release of a version whose name ends in `-bad` fails its checks after a while; every other one succeeds.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { explain, forecast } from './mock-foresight.mjs';
import { advance, startRelease, tell, verbs, verbsOf } from './mock-release.mjs';
import { calendar, environments, goOn, say, scenarios, standing } from './mock-scenarios.mjs';
import { changed, events, HISTORY_SECS, iso, key, listeners, log, PARTS, put, resources, send, traffic, VERSION } from './mock-store.mjs';

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '7070' }, empty: { type: 'boolean', default: false } },
});

function addService(name, environment, route, versions) {
  const spec = {
    routes: [route],
    unit: [{ header: 'x-user-id' }, { cookie: 'sluice_unit' }],
    health: { path: '/healthz', every: '2s', timeout: '1s', unhealthyAfter: 3, healthyAfter: 1 },
    reveal: 'preview',
    versions: versions.map((version, i) => ({ name: version, endpoints: [`http://127.0.0.1:90${i}1`, `http://127.0.0.1:90${i}2`] })),
  };
  const status = {
    live: versions[0],
    release: null,
    versions: versions.map((version, i) => ({
      name: version, role: i === 0 ? 'stable' : 'dark', endpoints: { ready: version === '1.9.0' ? 1 : 2, total: 2 }, share: i === 0 ? PARTS : 0,
    })),
  };
  const service = put('Service', name, environment, spec, status, { team: 'payments' });
  log('service.applied', service, `${name} was created with ${versions.length} versions; ${versions[0]} is live.`, 'alice');
  return service;
}

function addPolicy(name, description, steps, onFail = 'rollback') {
  put('Policy', name, undefined, { description, steps, checks: [], onFail }, undefined, { 'sluice.dev/built-in': 'true' });
}

function seed() {
  addPolicy('canary', 'A few people first, then more and more, while errors and latency are compared with stable.', [
    { name: 'one', audience: [{ percent: 1 }], hold: { time: '20s', requests: 20 } },
    { name: 'five', audience: [{ percent: 5 }], hold: { time: '30s', requests: 100 } },
    { name: 'quarter', audience: [{ percent: 25 }], hold: { time: '30s', requests: 300 } },
    { name: 'half', audience: [{ percent: 50 }], hold: { time: '30s', requests: 300 } },
    { name: 'all', audience: [{ percent: 100 }], hold: { time: '20s', requests: 0 } },
  ]);
  addPolicy('blue-green', 'Everyone at once; the previous version is kept for an hour, so that the way back is instant.', [
    { name: 'all', audience: [{ percent: 100 }], hold: { time: '5m', requests: 100 } },
  ]);
  addPolicy('validate-only', 'Nobody is steered: what a rolling update, a worker or a batch job does is only watched.', [
    { name: 'watch', audience: [{ percent: 100 }], watch: { time: '10m' }, hold: { time: '10m', requests: 0 } },
  ], 'pause');
  if (options.empty) return;
  const checkout = addService('checkout', 'production', { host: 'shop.example.com', path: '/checkout' }, ['2.0.3', '2.1.0', '2.2.0-bad']);
  addService('catalogue', 'production', { host: 'shop.example.com', path: '/' }, ['1.8.2', '1.9.0']);
  environments();
  // One scenario for each service; what is in staging can be handed on.
  const at = (name, versions, environment = 'production') => addService(name, environment, { host: `${name}.example.com` }, versions);
  scenarios.approval(at('payments', ['1.3.2', '1.4.0']));
  scenarios.webhook(resources.get(key('Service', 'catalogue', 'production')));
  scenarios.version(at('accounts', ['7.1.4', '7.2.0']));
  at('invoices', ['2.4.0', '2.5.0']);
  scenarios.together(at('orders', ['2.9.1', '3.0.0']), ['invoices', '2.4.0', '2.5.0']);
  scenarios.watched(at('mailer', ['0.9.3', '0.9.4']));
  scenarios.paused(at('search', ['5.4.0', '5.5.0']));
  scenarios.calendar(at('payments', ['1.3.1', '1.3.2'], 'shops-eu'));
  at('checkout', ['2.0.1', '2.0.3'], 'shops-eu');
  at('payments', ['1.4.0'], 'staging');
  at('invoices', ['2.6.0'], 'staging');
  at('mailer', ['0.9.4', '0.9.5'], 'staging');
  at('checkout', ['2.1.0'], 'staging');
  const old = startRelease(checkout, '2.2.0-bad', 'canary', 'first try', 'bob', Date.now() - 7_200_000);
  for (let i = 0; i < 45; i++) advance(old, Date.now() - 7_200_000 + i * 1000);
  startRelease(checkout, '2.1.0', 'canary', 'weekly train', 'alice');
}

function shareOf(release, service, version) {
  if (!release) return version === service.status.live ? PARTS : 0;
  const { candidate } = release.status.split.observed;
  return version === release.status.to ? candidate : version === release.status.from ? PARTS - candidate : 0;
}

function flow(service, at) {
  const id = key('Service', service.metadata.name, service.metadata.environment);
  const release = resources.get(key('Release', service.status.release, service.metadata.environment));
  const versions = {};
  for (const version of service.status.versions) {
    version.share = shareOf(release, service, version.name);
    version.role = version.name === service.status.live ? 'stable' : version.name === release?.status.to ? 'candidate' : 'dark';
    if (!version.share) continue;
    const requests = Math.round((version.share / PARTS) * (220 + 25 * Math.sin(at / 40_000)) + Math.random() * 4);
    const bad = version.name.endsWith('-bad');
    const slow = bad ? 1.8 : 1;
    versions[version.name] = {
      at: iso(at), role: version.role, requests, failed: Math.round(requests * (bad ? 0.08 : 0.002) + Math.random() * 0.55),
      p50: slow * (31 + Math.random() * 4), p95: slow * (84 + Math.random() * 12), p99: slow * (140 + Math.random() * 40),
    };
  }
  const points = traffic.get(id) ?? [];
  points.push({ at: iso(at), versions });
  if (points.length > HISTORY_SECS) points.shift();
  traffic.set(id, points);
  return { service: service.metadata.name, environment: service.metadata.environment, at: iso(at), versions };
}

function tick() {
  for (const resource of resources.values()) {
    if (resource.kind === 'Release' && !resource.status.finishedAt && !resource.isStill) advance(resource);
  }
  for (const resource of resources.values()) {
    if (resource.kind === 'Service') {
      send('traffic', flow(resource, Date.now()));
      if (resource.status.release) send('service', resource);
    }
  }
}

const PLURALS = { services: 'Service', segments: 'Segment', metrics: 'Metric', policies: 'Policy', environments: 'Environment', releases: 'Release' };

class Problem extends Error {
  constructor(status, code, detail, hint) {
    super(detail);
    this.body = { type: `https://sluice.dev/errors/${code}`, title: code.replace('-', ' '), status, code, detail, ...(hint && { hint }) };
  }
}

function list(kind, query) {
  const limit = Number(query.get('limit') ?? 50);
  let items = [...resources.values()].filter((r) => r.kind === kind
    && (!query.get('environment') || r.metadata.environment === query.get('environment'))
    && (!query.get('service') || r.spec.service === query.get('service'))
    && (!query.get('active') || String(!r.status?.finishedAt) === query.get('active')));
  if (query.get('newest') === 'true') items = items.toSorted((a, b) => b.metadata.createdAt.localeCompare(a.metadata.createdAt));
  return { items: items.slice(0, limit), next: null };
}

function find(kind, name, query) {
  const environment = kind === 'Service' || kind === 'Release' ? query.get('environment') ?? 'production' : undefined;
  const resource = resources.get(key(kind, name, environment));
  if (!resource) throw new Problem(404, 'not-found', `${kind} ${name} does not exist in ${environment}.`, 'Look at the list for what does.');
  return resource;
}

function history(name, query) {
  const { environment } = find('Service', name, query).metadata;
  const points = traffic.get(key('Service', name, environment)) ?? [];
  const versions = {};
  for (const point of points) {
    for (const [version, { role, ...counted }] of Object.entries(point.versions)) {
      (versions[version] ??= { role, points: [] }).points.push(counted);
    }
  }
  return { service: name, environment, from: iso(Date.now() - HISTORY_SECS * 1000), to: iso(), step: '1s', versions };
}

function act(name, verb, query, body, actor) {
  const release = find('Release', name, query);
  if (!release.status.verbs.includes(verb)) {
    throw new Problem(409, 'verb-refused', `${name} cannot ${verb}: it is ${release.status.phase}.`, 'Look at the release again; it may have gone on meanwhile.');
  }
  const why = body.reason ? `${actor}: ${body.reason.replace(/\.$/, '')}` : actor;
  if (verb === 'override' && !body.reason) throw new Problem(409, 'verb-refused', 'an override takes a reason, which everybody can read afterwards');
  if (release.isStill) sayAt(release, verb, actor, body.reason, why);
  else verbs[verb](release, Date.now(), why);
  tell(release, { pause: 'paused', resume: 'resumed' }[verb] ?? 'started', `${verb[0].toUpperCase()}${verb.slice(1)} by ${why}.`, Date.now(), actor);
  release.status.verbs = verbsOf(release);
  changed(release);
  return release;
}

/** A verb on a release that stands still: what is said at its gate, or what any other release does too. */
function sayAt(release, verb, actor, reason, why) {
  const { gate, startedBy } = release.status;
  if (gate && verb === 'approve' && gate.fourEyes && actor === startedBy) {
    throw new Problem(409, 'verb-refused', `${actor} started ${release.metadata.name}, and step ${release.status.step} takes the approval of somebody else`);
  }
  if (!['approve', 'reject', 'override'].includes(verb)) {
    release.isStill = false;
    release.status.gate = null;
    verbs[verb](release, Date.now(), why);
  } else if (verb === 'reject') {
    release.isStill = false;
    release.status.gate = null;
    verbs.rollback(release, Date.now(), why);
  } else if (say(release, verb, actor, reason)) goOn(release);
}

/** How a release would go. */
function schedule(body) {
  const { steps } = resources.get(key('Policy', body.policy ?? 'canary')).spec;
  const place = resources.get(key('Environment', body.environment ?? 'production'));
  const { closedBy: closed, reason, changesAt } = place && !body.override ? calendar(place) : {};
  const now = iso();
  let at = closed ? Date.parse(changesAt) : Date.now();
  const planned = steps.map((step, i) => {
    const beginsAt = iso(at);
    const [, minutes = '0', secs = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(step.hold.time);
    at += (Number(minutes) * 60 + Number(secs)) * 1000;
    return {
      name: step.name, kind: 'expose', audience: `${step.audience[0].percent} % of everyone`, beginsAt, endsAt: iso(at), takes: step.hold.time,
      heldUp: closed && i === 0 ? `a freeze lasts until ${changesAt.slice(0, 10)}, 09:00 Europe/Amsterdam (${reason})` : null,
      waitsFor: `${step.hold.time} and ${step.hold.requests} requests and both checks`, undecided: null, requests: step.hold.requests, requestsTake: null, stages: [],
    };
  });
  return {
    policy: body.policy ?? 'canary', from: now, rate: 220, start: 'The new version must have a ready endpoint within 10m', steps: planned,
    endsAt: iso(at), takes: '2m10s', end: `Everyone has it ${iso(at)} at the earliest`, checks: [], onFail: 'When a check fails, everyone goes back at once',
    onInconclusive: 'When a check cannot tell for another 1h, it pauses until somebody decides', onNewer: 'A newer version takes its place',
    keepPrevious: '1h', afterwards: 'The previous version is kept for 1h, so that everyone can go back at once',
  };
}

function handOn(name, body, actor) {
  const service = resources.get(key('Service', name, body.to));
  if (!service.status.versions.some((version) => version.name === body.version)) {
    if (!body.endpoints?.length) throw new Problem(409, 'release-refused', `${name} has no version ${body.version} in ${body.to}`, `announce it there first: sluice version announce ${name} ${body.version} --environment ${body.to} --endpoint URL`);
    service.status.versions.push({ name: body.version, role: 'dark', endpoints: { ready: 1, total: 1 }, share: 0 });
  }
  return startRelease(service, body.version, body.policy ?? 'canary', body.override, actor);
}

function create(body, actor) {
  const service = resources.get(key('Service', body.service, body.environment ?? 'production'));
  if (!service) throw new Problem(404, 'not-found', `Service ${body.service} does not exist.`);
  if (service.status.live === body.version) throw new Problem(409, 'release-refused', `${body.version} is live already.`, 'Choose another version.');
  return startRelease(service, body.version, body.policy ?? 'canary', body.reason, actor);
}

/** Why a release is where it is; it has one name in whatever environment it is. */
function account(name, at) {
  const release = [...resources.values()].find((one) => one.kind === 'Release' && one.metadata.name === name);
  if (!release) throw new Problem(404, 'not-found', `Release ${name} does not exist.`);
  const found = explain(release, at);
  if (!found) throw new Problem(404, 'not-found', `Nothing is noted of ${name} at ${at} or before.`, 'Ask for a later moment.');
  return found;
}

function eventPage(query) {
  const limit = Number(query.get('limit') ?? 100);
  const chosen = events.filter((e) => e.seq > Number(query.get('after') ?? 0));
  return { items: query.get('newest') === 'true' ? chosen.slice(-limit) : chosen.slice(0, limit), next: null };
}

function stream(request, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`event: hello\ndata: ${JSON.stringify({ version: VERSION, at: iso(), after: events.length })}\n\n`);
  listeners.add(response);
  request.on('close', () => listeners.delete(response));
}

function answer(request, url, body) {
  const actor = request.headers['x-sluice-actor'] ?? 'local';
  const [, , , kind, name, verb] = url.pathname.split('/');
  if (url.pathname === '/api/v1/version') return { version: VERSION, gatewayAddress: '127.0.0.1:8080' };
  if (kind === 'standing') return standing();
  if (kind === 'events') return eventPage(url.searchParams);
  if (kind === 'forecasts') return forecast(body);
  if (!PLURALS[kind]) throw new Problem(404, 'not-found', `There is nothing at ${url.pathname}.`);
  if (request.method === 'POST' && kind === 'services') return handOn(name, body, actor);
  if (request.method === 'POST' && url.searchParams.get('dryRun') === 'true') return schedule(body);
  if (request.method === 'POST') return verb ? act(name, verb, url.searchParams, body, actor) : create(body, actor);
  if (verb === 'explain') return account(name, url.searchParams.get('at'));
  if (verb === 'traffic') return history(name, url.searchParams);
  return name ? find(PLURALS[kind], name, url.searchParams) : list(PLURALS[kind], url.searchParams);
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname === '/api/v1/events' && request.headers.accept === 'text/event-stream') return stream(request, response);
  let text = '';
  for await (const chunk of request) text += chunk;
  try {
    const found = answer(request, url, text ? JSON.parse(text) : {});
    response.writeHead(200, { 'content-type': 'application/json', ...(found.metadata && { etag: `"${found.metadata.resourceVersion}"` }) });
    response.end(JSON.stringify(found));
  } catch (error) {
    const { body } = error instanceof Problem ? error : new Problem(500, 'internal', String(error));
    response.writeHead(body.status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify(body));
  }
});

seed();
setInterval(tick, 1000);

server.listen(Number(options.port), '127.0.0.1', () => console.log(`mock control plane on http://127.0.0.1:${options.port}`));
