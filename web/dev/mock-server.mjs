// Plays a control plane for work on the dashboard without one: a few services, and releases that go on by themselves.
// It keeps nothing and decides by dice; the real thing is `sluice serve`.
//
//   node dev/mock-server.mjs [--port 7070] [--empty]
//
// A release of a version whose name ends in `-bad` fails its checks after a while; every other one succeeds.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '7070' }, empty: { type: 'boolean', default: false } },
});

const VERSION = '0.1.0';
const PARTS = 100_000;
const HISTORY_SECS = 600;
const API_VERSION = 'sluice.dev/v1alpha1';
const resources = new Map();
const events = [];
const traffic = new Map();
const listeners = new Set();
let resourceVersion = 100;

const iso = (ms = Date.now()) => new Date(ms).toISOString();
const span = (ms) => {
  const secs = Math.floor(ms / 1000);
  return secs >= 60 ? `${Math.floor(secs / 60)}m${secs % 60 ? `${secs % 60}s` : ''}` : `${secs}s`;
};
const key = (kind, name, environment) => `${kind}/${environment ?? ''}/${name}`;
const percent = (parts) => `${parts / 1000} %`;

function put(kind, name, environment, spec, status, labels = {}) {
  const now = iso();
  const resource = {
    apiVersion: API_VERSION,
    kind,
    metadata: { name, ...(environment && { environment }), labels, resourceVersion: ++resourceVersion, createdAt: now, updatedAt: now },
    spec,
    ...(status && { status }),
  };
  resources.set(key(kind, name, environment), resource);
  return resource;
}

function send(type, data, id) {
  const text = `${id ? `id: ${id}\n` : ''}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  for (const response of listeners) response.write(text);
}

function changed(resource) {
  resource.metadata.resourceVersion = ++resourceVersion;
  resource.metadata.updatedAt = iso();
  send(resource.kind.toLowerCase(), resource);
}

function log(kind, resource, text, actor = 'sluice', at = Date.now()) {
  const { name, environment = null } = resource.metadata;
  const record = {
    seq: events.length + 1, at: iso(at), kind, subject: { kind: resource.kind, environment, name },
    actor, text, data: {}, previousHash: '0'.repeat(64), hash: '0'.repeat(64),
  };
  events.push(record);
  send('log', record, record.seq);
}

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
  addPolicy('validate-only', 'Half of the people, until somebody decides.', [
    { name: 'half', audience: [{ percent: 50 }], hold: { time: '0s', requests: 0, untilPromoted: true } },
  ], 'pause');
  if (options.empty) return;
  const checkout = addService('checkout', 'production', { host: 'shop.example.com', path: '/checkout' }, ['2.0.3', '2.1.0', '2.2.0-bad']);
  addService('catalogue', 'production', { host: 'shop.example.com', path: '/' }, ['1.8.2', '1.9.0']);
  addService('search', 'staging', { host: '*', path: '/search' }, ['5.4.0']);
  const old = startRelease(checkout, '2.2.0-bad', 'canary', 'first try', 'bob', Date.now() - 7_200_000);
  for (let i = 0; i < 45; i++) advance(old, Date.now() - 7_200_000 + i * 1000);
  startRelease(checkout, '2.1.0', 'canary', 'weekly train', 'alice');
}

function verbsOf(release) {
  const status = release.status;
  switch (status.phase) {
    case 'Pending': return ['abort'];
    case 'Progressing': return ['promote', 'pause', 'abort', 'rollback'];
    case 'Paused': return ['promote', 'resume', 'abort', 'rollback'];
    case 'Succeeded': return status.keptUntil ? ['rollback'] : [];
    case 'RolledBack': case 'Aborted': return ['retry'];
    default: return [];
  }
}

function tell(release, kind, text, at, actor) {
  release.status.timeline.push({ at: iso(at), kind, text, ...(actor && { actor }) });
  log(`release.${kind}`, release, text, actor ?? 'sluice', at);
}

function because(release, code, text, at) {
  release.status.reason = { code, text, at: iso(at) };
}

function startRelease(service, version, policy, reason, actor, at = Date.now()) {
  const { name, environment } = service.metadata;
  const count = [...resources.values()].filter((r) => r.kind === 'Release' && r.spec.service === name && r.spec.version === version).length;
  const { steps } = resources.get(key('Policy', policy)).spec;
  const release = put('Release', `${name}-${version}-${count + 1}`, environment, { service: name, version, policy }, {
    phase: 'Pending', step: null,
    steps: steps.map((step) => ({
      name: step.name, audience: `${step.audience[0].percent} % of everyone`, candidate: step.audience[0].percent * 1000,
      state: 'ahead', since: null, holdTime: step.hold.time, heldTime: '0s', holdRequests: step.hold.requests, heldRequests: 0,
      untilPromoted: step.hold.untilPromoted ?? false,
    })),
    from: service.status.live, to: version, policy, attempt: 1,
    split: { desired: { candidate: 0, audience: 'nobody' }, observed: { candidate: 0, audience: 'nobody' } },
    reason: { code: 'created', text: '', at: iso(at) },
    verdicts: [], exposed: { requests: 0, failed: 0 }, timeline: [], verbs: ['abort'],
    startedAt: null, finishedAt: null, keptUntil: null,
  });
  release.metadata.createdAt = iso(at);
  Object.defineProperty(release, 'bad', { value: version.endsWith('-bad') });
  because(release, 'pending', `Waits for ${version} to be ready: 2 of 2 endpoints are.`, at);
  tell(release, 'created', `${version} is to be released to ${name} under ${policy}${reason ? `: ${reason}` : ''}.`, at, actor);
  service.status.release = release.metadata.name;
  changed(service);
  changed(release);
  return release;
}

function enterStep(release, index, at) {
  const { status } = release;
  status.steps.forEach((step, i) => { step.state = i < index ? 'done' : i === index ? 'current' : 'ahead'; });
  const step = status.steps[index];
  Object.assign(step, { since: iso(at), heldTime: '0s', heldRequests: 0 });
  status.step = step.name;
  status.split.desired = { candidate: step.candidate, audience: step.audience };
  tell(release, 'step', `Step ${step.name} (${index + 1} of ${status.steps.length}): ${step.audience}`, at);
}

function end(release, phase, code, text, at) {
  const { status } = release;
  status.phase = phase;
  status.finishedAt = iso(at);
  status.steps.forEach((step) => { if (phase === 'Succeeded') step.state = 'done';
    else if (step.state === 'ahead') step.state = 'skipped'; });
  because(release, code, text, at);
  tell(release, 'ended', text, at);
  const service = resources.get(key('Service', release.spec.service, release.metadata.environment));
  service.status.release = null;
  if (phase === 'Succeeded') {
    status.keptUntil = iso(at + 3_600_000);
    service.status.live = status.to;
  }
  changed(service);
}

function takeBack(release, phase, code, text, at) {
  release.status.split.desired = { candidate: 0, audience: 'nobody' };
  release.status.phase = 'RollingBack';
  release.after = { phase, code, text };
  because(release, code, text, at);
  tell(release, 'rolling-back', text, at);
}

function judge(release, at) {
  const { status } = release;
  const { requests, failed } = status.exposed;
  const enough = requests >= 30;
  const share = requests ? (failed / requests) * 100 : 0;
  const isWorse = enough && share > 3;
  const before = status.verdicts[0]?.verdict;
  status.verdicts = [
    {
      check: 'http.errors against stable, at most 0.5 points worse', metric: 'http.errors',
      verdict: isWorse ? 'fail' : enough ? 'pass' : 'inconclusive',
      text: enough
        ? `${share.toFixed(1)} % of ${requests} requests to ${status.to} failed, against 0.2 % of 12,840 on stable.`
        : `Only ${requests} of the 30 requests needed have been answered by ${status.to}.`,
      stable: 0.002, candidate: share / 100, stableSamples: 12_840, candidateSamples: requests,
    },
    {
      check: 'http.latency p95 against stable, at most 10 % worse', metric: 'http.latency',
      verdict: enough ? 'pass' : 'inconclusive',
      text: enough ? `p95 is 91 ms on ${status.to} and 88 ms on stable: 3.4 % slower, at most 10 % is tolerated.` : 'Not enough requests yet to compare latency.',
      stable: 88, candidate: 91, stableSamples: 12_840, candidateSamples: requests,
    },
  ];
  const now = status.verdicts[0].verdict;
  if (before && before !== now) tell(release, 'verdict', `http.errors is now ${now}: ${status.verdicts[0].text}`, at);
  return isWorse;
}

function advance(release, at = Date.now()) {
  const { status } = release;
  const previous = status.split.observed.candidate;
  status.split.observed = { ...status.split.desired };
  if (previous !== status.split.observed.candidate) tell(release, 'traffic', `The gateway confirmed ${percent(status.split.observed.candidate)} on ${status.to}.`, at);
  const index = status.steps.findIndex((step) => step.state === 'current');
  if (status.phase === 'Pending') {
    status.phase = 'Progressing';
    status.startedAt = iso(at);
    tell(release, 'started', `${status.to} is ready; the release has started.`, at);
    enterStep(release, 0, at);
  } else if (status.phase === 'RollingBack') {
    end(release, release.after.phase, release.after.code, release.after.text, at);
  } else if (status.phase === 'Promoting') {
    end(release, 'Succeeded', 'done', `Everyone has ${status.to}; ${status.from} is kept for 1h.`, at);
  } else if (status.phase === 'Progressing' || status.phase === 'Paused') {
    const step = status.steps[index];
    const answered = Math.round((step.candidate / PARTS) * 220 * (0.9 + Math.random() * 0.2));
    status.exposed.requests += answered;
    status.exposed.failed += Math.round(answered * (release.bad ? 0.08 : 0.002));
    step.heldRequests += answered;
    if (judge(release, at)) takeBack(release, 'RolledBack', 'check-failed', `${status.to} was taken back: ${status.verdicts[0].text}`, at);
    else if (status.phase === 'Progressing') hold(release, index, at);
  }
  status.verbs = verbsOf(release);
  changed(release);
}

function hold(release, index, at) {
  const { status } = release;
  const step = status.steps[index];
  const held = at - Date.parse(step.since);
  step.heldTime = span(held);
  const [, minutes = '0', secs = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(step.holdTime);
  const wanted = (Number(minutes) * 60 + Number(secs)) * 1000;
  const isOver = held >= wanted && step.heldRequests >= step.holdRequests && !step.untilPromoted;
  if (!isOver) {
    because(release, 'hold', step.untilPromoted
      ? `${step.audience} have ${status.to}; it goes on when somebody promotes it.`
      : `${step.audience} have ${status.to}; ${span(Math.max(0, wanted - held))} and ${Math.max(0, step.holdRequests - step.heldRequests)} requests to go before the next step.`, at);
  } else if (index + 1 < status.steps.length) enterStep(release, index + 1, at);
  else promoteForGood(release, at);
}

function promoteForGood(release, at) {
  release.status.phase = 'Promoting';
  release.status.split.desired = { candidate: PARTS, audience: 'everyone' };
  because(release, 'promoting', `${release.status.to} becomes the stable version.`, at);
}

const verbs = {
  promote(release, at) {
    const index = release.status.steps.findIndex((step) => step.state === 'current');
    release.status.phase = 'Progressing';
    if (index + 1 < release.status.steps.length) enterStep(release, index + 1, at);
    else promoteForGood(release, at);
  },
  pause(release, at, why) { release.status.phase = 'Paused'; because(release, 'paused', `Paused by ${why}.`, at); },
  resume(release, at, why) { release.status.phase = 'Progressing'; because(release, 'resumed', `Resumed by ${why}.`, at); },
  abort(release, at, why) { takeBack(release, 'Aborted', 'aborted', `Aborted by ${why}.`, at); },
  rollback(release, at, why) { takeBack(release, 'RolledBack', 'rolled-back', `Rolled back by ${why}.`, at); },
  retry(release, at) {
    Object.assign(release.status, { phase: 'Pending', attempt: release.status.attempt + 1, finishedAt: null, exposed: { requests: 0, failed: 0 }, verdicts: [] });
    release.status.steps.forEach((step) => Object.assign(step, { state: 'ahead', since: null, heldTime: '0s', heldRequests: 0 }));
    because(release, 'pending', `Starts over, attempt ${release.status.attempt}.`, at);
  },
};

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
    if (resource.kind === 'Release' && !resource.status.finishedAt) advance(resource);
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
  verbs[verb](release, Date.now(), why);
  tell(release, { pause: 'paused', resume: 'resumed' }[verb] ?? 'started', `${verb[0].toUpperCase()}${verb.slice(1)} by ${why}.`, Date.now(), actor);
  release.status.verbs = verbsOf(release);
  changed(release);
  return release;
}

function create(body, actor) {
  const service = resources.get(key('Service', body.service, body.environment ?? 'production'));
  if (!service) throw new Problem(404, 'not-found', `Service ${body.service} does not exist.`);
  if (service.status.live === body.version) throw new Problem(409, 'release-refused', `${body.version} is live already.`, 'Choose another version.');
  return startRelease(service, body.version, body.policy ?? 'canary', body.reason, actor);
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
  if (kind === 'events') return eventPage(url.searchParams);
  if (!PLURALS[kind]) throw new Problem(404, 'not-found', `There is nothing at ${url.pathname}.`);
  if (request.method === 'POST') return verb ? act(name, verb, url.searchParams, body, actor) : create(body, actor);
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
