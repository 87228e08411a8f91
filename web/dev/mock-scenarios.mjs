// Releases that stand still where something has to be said or be so: each shows one thing that the dashboard has to show.

import { iso, key, log, PARTS, put, resources } from './mock-store.mjs';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const shareOf = (candidate) => ({ candidate, audience: candidate === 0 ? 'nobody' : candidate === PARTS ? 'everyone' : `${candidate / 1000} % of everyone` });

/** A step: by default people meet the candidate in it. */
const step = (name, changes) => ({
  name, kind: 'expose', audience: `${(changes.candidate ?? 0) / 1000} % of everyone`, rampTo: null, candidate: 0, state: 'ahead', since: null,
  holdTime: '0s', heldTime: '0s', holdRequests: 0, heldRequests: 0, untilPromoted: false, ...changes,
});

const verdict = (service, metric, kind, text) => ({
  check: metric === 'http.errors' ? 'http.errors against stable, at most 0.5 points worse' : 'http.latency p95 against stable, at most 10 % slower',
  metric, service, verdict: kind, text, stable: 0.002, candidate: 0.0021, stableSamples: 12_840, candidateSamples: 640,
});

const passes = (service) => [
  verdict(service, 'http.errors', 'pass', '0.2 % of 640 requests failed, against 0.2 % of 12,840 on stable.'),
  verdict(service, 'http.latency', 'pass', 'p95 is 88 ms, and 86 ms on stable: 2.3 % slower.'),
];

function release(service, to, status) {
  const { name, environment } = service.metadata;
  const from = service.status.live;
  const made = put('Release', `${name}-${to}-1`, environment, { service: name, version: to, policy: status.policy }, {
    phase: 'Progressing', step: null, from, to, attempt: 1, gate: null, services: [], noReturn: null, startedBy: 'ci',
    verdicts: passes(name), exposed: { requests: 640, failed: 1 }, verbs: ['pause', 'abort', 'rollback'],
    startedAt: iso(Date.now() - 40 * MINUTE), finishedAt: null, keptUntil: null,
    timeline: [{ at: iso(Date.now() - 40 * MINUTE), kind: 'started', text: `${to} is ready; the release has started.` }],
    ...status,
    split: { desired: shareOf(status.candidate), observed: shareOf(status.candidate) },
    reason: { at: iso(Date.now() - 12 * MINUTE), ...status.reason },
  });
  made.isStill = true;
  made.metadata.createdAt = iso(Date.now() - 41 * MINUTE);
  service.status.release = made.metadata.name;
  log('release.started', made, `${to} is to be released to ${name} under ${status.policy}.`, made.status.startedBy);
  return made;
}

function environment(name, spec) {
  return put('Environment', name, undefined, { description: `Where ${name} is.`, start: 'manual', policies: [{ use: 'canary' }], ...spec });
}

export function environments() {
  environment('staging', { start: 'automatic' });
  environment('production', {
    after: 'staging', roles: { product: ['anna', 'ben'], 'release-manager': ['carla'] }, override: ['release-manager'],
  });
  environment('shops-eu', {
    after: 'production', roles: { 'release-manager': ['carla', 'anna'] }, override: ['release-manager'],
    freezes: [{ from: '2026-11-20', to: '2026-12-01', zone: 'Europe/Amsterdam', reason: 'Black Friday' }],
  });
}

/** Why an environment is closed; of the freezes, `shops-eu` has one that lasts. */
export function calendar({ metadata: { name }, spec }) {
  const [freeze] = spec.freezes ?? [];
  if (!freeze) return { closedBy: null, reason: null, changesAt: null, text: '' };
  const at = iso(Math.ceil(Date.now() / DAY) * DAY + 7 * DAY + 8 * HOUR);
  return {
    closedBy: 'freeze', reason: freeze.reason, changesAt: at,
    text: `${name}: a freeze lasts until ${at.slice(0, 10)}, 09:00 ${freeze.zone} (${freeze.reason})`,
  };
}

const SIGNED_OFF = [
  step('few', { candidate: 5000, state: 'done', holdTime: '10m', holdRequests: 200 }),
  step('sign-off', { kind: 'approval', candidate: 5000, audience: 'approval by product, 2 people', state: 'current', since: iso() }),
  step('grow', { kind: 'ramp', candidate: 5000, rampTo: 50_000, audience: '5 % of everyone, growing to 50 % over 1h', holdTime: '10m' }),
  step('all', { candidate: PARTS, audience: 'everyone' }),
];

export const scenarios = {
  approval: (service) => release(service, '1.4.0', {
    policy: 'signed-off', phase: 'AwaitingApproval', step: 'sign-off', candidate: 5000, startedBy: 'ben-ci', steps: SIGNED_OFF,
    gate: {
      kind: 'approval', roles: ['product'], count: 2, fourEyes: true, said: null, expiresAt: iso(Date.now() + 15 * HOUR),
      given: [{ actor: 'ben', at: iso(Date.now() - 9 * MINUTE), reason: 'looks fine on my account' }],
    },
    reason: { code: 'approval', text: 'Step sign-off waits for approval by product, 1 of 2 given, for another 15h at most' },
    verbs: ['pause', 'abort', 'rollback', 'approve', 'reject', 'override'],
  }),
  webhook: (service) => release(service, '1.9.0', {
    policy: 'asked', phase: 'Waiting', step: 'quality', candidate: 1000,
    steps: [
      step('shadow', { audience: 'nobody, with 10 % of requests copied', state: 'done', holdTime: '10m' }),
      step('one', { candidate: 1000, state: 'done', holdTime: '10m' }),
      step('quality', { kind: 'webhook', candidate: 1000, audience: 'https://qa.example.com/verdict says that all is well', state: 'current' }),
      step('payments', { kind: 'waitFor', candidate: 1000, audience: 'payments has >=1.4.0' }),
      step('all', { candidate: PARTS, audience: 'everyone', holdTime: '20m' }),
    ],
    gate: { kind: 'webhook', roles: [], count: 0, fourEyes: false, given: [], said: '212 of 340 tests are through', expiresAt: iso(Date.now() + 48 * MINUTE) },
    reason: { code: 'webhook', text: 'Step quality waits for https://qa.example.com/verdict to say that all is well; it said last: 212 of 340 tests are through; this is waited for, for another 48m at most' },
    verbs: ['pause', 'abort', 'rollback', 'override'],
  }),
  version: (service) => release(service, '7.2.0', {
    policy: 'asked', phase: 'Waiting', step: 'payments', candidate: 10_000,
    steps: [
      step('ten', { candidate: 10_000, state: 'done', holdTime: '10m' }),
      step('payments', { kind: 'waitFor', candidate: 10_000, audience: 'payments has >=1.4.0', state: 'current' }),
      step('all', { candidate: PARTS, audience: 'everyone', holdTime: '20m' }),
    ],
    gate: { kind: 'waitFor', roles: [], count: 0, fourEyes: false, given: [], said: '1.3.2', expiresAt: iso(Date.now() + 20 * HOUR) },
    reason: { code: 'other-service', text: 'Step payments waits for payments to have >=1.4.0, which has 1.3.2, for another 20h at most' },
    verbs: ['pause', 'abort', 'rollback', 'override'],
  }),
  calendar: (service) => release(service, '1.3.2', {
    policy: 'canary', phase: 'Waiting', step: 'quarter', candidate: 25_000, startedBy: 'dora',
    steps: [
      step('five', { candidate: 5000, state: 'done', holdTime: '30m' }),
      step('quarter', { candidate: 25_000, state: 'current', holdTime: '30m', heldTime: '30m' }),
      step('all', { candidate: PARTS, audience: 'everyone', holdTime: '20m' }),
    ],
    reason: { code: 'closed', text: 'Step all waits: a freeze lasts until Tue 1 Dec 2026, 09:00 Europe/Amsterdam (Black Friday)' },
    verbs: ['pause', 'abort', 'rollback', 'override'],
  }),
  together: (service, [first, from, to]) => release(service, '3.0.0', {
    policy: 'migration', step: 'grow', candidate: 18_000, startedBy: 'erik', noReturn: 'orders were moved to the new table at 25 %',
    services: [
      { service: first, from, to, share: shareOf(50_000) },
      { service: service.metadata.name, from: service.status.live, to: '3.0.0', share: shareOf(18_000) },
    ],
    steps: [
      step('staff', { audience: 'all of employees', state: 'done', holdTime: '10m' }),
      step('moved', { kind: 'pointOfNoReturn', audience: 'nobody can be taken back from here on: orders were moved to the new table', state: 'done' }),
      step('grow', { kind: 'ramp', candidate: 18_000, rampTo: 50_000, audience: '18 % of everyone', state: 'current', since: iso(), holdTime: '10m' }),
      step('all', { candidate: PARTS, audience: 'everyone' }),
    ],
    verdicts: [...passes(first), ...passes(service.metadata.name)],
    reason: { code: 'ramping', text: 'Step grow: 18 % of everyone, on the way to 50 %, 38m to go' },
    verbs: ['promote', 'pause'],
  }),
  watched: (service) => release(service, '0.9.4', {
    policy: 'validate-only', step: 'watch', candidate: PARTS,
    steps: [step('watch', { audience: 'everyone', candidate: PARTS, state: 'current', since: iso(), holdTime: '10m', heldTime: '4m10s' })],
    reason: { code: 'holding', text: 'Step watch: everyone, 5m50s to go' },
  }),
  paused: (service) => release(service, '5.5.0', {
    policy: 'canary', phase: 'Paused', step: 'half', candidate: 50_000, startedBy: 'anna',
    steps: [step('five', { candidate: 5000, state: 'done', holdTime: '30m' }), step('half', { candidate: 50_000, state: 'current', holdTime: '30m', heldTime: '11m' }), step('all', { candidate: PARTS, audience: 'everyone' })],
    reason: { code: 'person', text: 'anna paused it: support asks for time' },
    verbs: ['promote', 'resume', 'abort', 'rollback'],
  }),
};

/** What is said at a gate of a release that stands still. Returns whether it goes on. */
export function say(standing, verb, actor, reason) {
  const { status } = standing;
  if (verb === 'approve') status.gate.given.push({ actor, at: iso(), reason: reason ?? null });
  if (verb === 'approve' && status.gate.given.length < status.gate.count) {
    status.reason = { code: 'approval', text: `Step ${status.step} waits for approval by ${status.gate.roles.join(' or ')}, ${status.gate.given.length} of ${status.gate.count} given, for another 14h at most`, at: iso() };
    return false;
  }
  return verb !== 'reject';
}

/** Goes on to the next step, and from there by itself. */
export function goOn(standing) {
  const { status } = standing;
  standing.isStill = false;
  const index = status.steps.findIndex(({ state }) => state === 'current');
  Object.assign(status, { phase: 'Progressing', gate: null });
  status.steps.forEach((one, i) => { one.state = i <= index ? 'done' : i === index + 1 ? 'current' : 'ahead'; });
  const next = status.steps[index + 1];
  if (!next) return;
  Object.assign(next, { since: iso(), kind: next.kind === 'ramp' ? 'ramp' : 'expose', holdTime: '20s' });
  status.step = next.name;
  status.split.desired = { candidate: next.candidate, audience: next.audience };
}

/** Which version is live where. */
export function standing() {
  const all = [...resources.values()];
  const names = ['staging', 'production', 'shops-eu'].filter((name) => resources.has(key('Environment', name)));
  const places = names.length > 0 ? names : ['production'];
  const there = (service) => {
    const { name, environment } = service.metadata;
    const release = resources.get(key('Release', service.status.release, environment));
    const met = all.filter((one) => one.kind === 'Release' && one.spec.service === name && one.metadata.environment === environment).map((one) => one.spec.version);
    return {
      live: service.status.live,
      release: release ? { name: release.metadata.name, version: release.status.to, phase: release.status.phase, share: release.status.split.observed.candidate } : null,
      waiting: service.status.versions.map((version) => version.name).filter((version) => version !== service.status.live && !met.includes(version)),
    };
  };
  const services = {};
  for (const service of all.filter(({ kind }) => kind === 'Service')) (services[service.metadata.name] ??= {})[service.metadata.environment] = there(service);
  return {
    environments: places.map((name) => {
      const found = resources.get(key('Environment', name));
      return { name, after: found?.spec.after ?? null, ...(found ? calendar(found) : { calendar: { Open: { until: null } }, text: '' }) };
    }),
    services: Object.entries(services).sort(([a], [b]) => a.localeCompare(b)).map(([name, where]) => ({ name, environments: where })),
  };
}

