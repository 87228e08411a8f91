// How releases of the mock control plane live: by the clock, and by dice.

import { changed, iso, key, log, PARTS, percent, put, resources, span } from './mock-store.mjs';

export function verbsOf(release) {
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

export function tell(release, kind, text, at, actor) {
  release.status.timeline.push({ at: iso(at), kind, text, ...(actor && { actor }) });
  log(`release.${kind}`, release, text, actor ?? 'sluice', at);
}

function because(release, code, text, at) {
  release.status.reason = { code, text, at: iso(at) };
}

export function startRelease(service, version, policy, reason, actor, at = Date.now()) {
  const { name, environment } = service.metadata;
  const count = [...resources.values()].filter((r) => r.kind === 'Release' && r.spec.service === name && r.spec.version === version).length;
  const { steps } = resources.get(key('Policy', policy)).spec;
  const release = put('Release', `${name}-${version}-${count + 1}`, environment, { service: name, version, policy }, {
    phase: 'Pending', step: null,
    steps: steps.map((step) => ({
      name: step.name, kind: 'expose', rampTo: null, audience: `${step.audience[0].percent} % of everyone`, candidate: step.audience[0].percent * 1000,
      state: 'ahead', since: null, holdTime: step.hold.time, heldTime: '0s', holdRequests: step.hold.requests, heldRequests: 0,
      untilPromoted: step.hold.untilPromoted ?? false,
    })),
    from: service.status.live, to: version, policy, attempt: 1,
    split: { desired: { candidate: 0, audience: 'nobody' }, observed: { candidate: 0, audience: 'nobody' } },
    reason: { code: 'created', text: '', at: iso(at) },
    gate: null, services: [], noReturn: null, startedBy: actor,
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
      check: 'http.errors against stable, at most 0.5 points worse', metric: 'http.errors', service: release.spec.service,
      verdict: isWorse ? 'fail' : enough ? 'pass' : 'inconclusive',
      text: enough
        ? `${share.toFixed(1)} % of ${requests} requests to ${status.to} failed, against 0.2 % of 12,840 on stable.`
        : `Only ${requests} of the 30 requests needed have been answered by ${status.to}.`,
      stable: 0.002, candidate: share / 100, stableSamples: 12_840, candidateSamples: requests,
    },
    {
      check: 'http.latency p95 against stable, at most 10 % worse', metric: 'http.latency', service: release.spec.service,
      verdict: enough ? 'pass' : 'inconclusive',
      text: enough ? `p95 is 91 ms on ${status.to} and 88 ms on stable: 3.4 % slower, at most 10 % is tolerated.` : 'Not enough requests yet to compare latency.',
      stable: 88, candidate: 91, stableSamples: 12_840, candidateSamples: requests,
    },
  ];
  const now = status.verdicts[0].verdict;
  if (before && before !== now) tell(release, 'verdict', `http.errors is now ${now}: ${status.verdicts[0].text}`, at);
  return isWorse;
}

export function advance(release, at = Date.now()) {
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

export const verbs = {
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
