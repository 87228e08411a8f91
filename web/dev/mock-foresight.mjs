// What the mock control plane says of why and what if: one check of each verdict, and a forecast with a check that cannot tell.

import { iso, key, resources } from './mock-store.mjs';

const BETS = 'bets on 24 sizes of a fault, over requests of both versions in the same seconds; valid at every moment';
const SOURCE = 'Turner, Ly, Grünwald 2024, J. Stat. Plan. Inference 230 (arXiv 2106.02693); Ville\'s inequality';
const SCALES = {
  pass: { interval: { of: 'difference', low: -0.0031, estimate: 0.0001, high: 0.0042 }, now: 0.42 },
  fail: { interval: { of: 'difference', low: 0.021, estimate: 0.064, high: 0.118 }, now: 18_400 },
  inconclusive: { interval: { of: 'ratio', low: null, estimate: 1.09, high: 3.4 }, now: 3.7 },
};

function explained({ check, service, verdict, text, stable, candidate, stableSamples, candidateSamples }, index) {
  const { interval, now } = SCALES[verdict];
  const isRatio = check.includes('latency');
  const changes = {
    pass: 'It fails when the evidence against the candidate reaches 300; it is at 0.42 now. One twice as bad as tolerated takes about 210 requests more to be found.',
    fail: 'Nothing that comes now: what was proved stays said, until the step or the policy changes.',
    inconclusive: `${30 - candidateSamples > 0 ? 30 - candidateSamples : 12} requests more.`,
  };
  return {
    check, service, verdict, isProved: verdict === 'pass' && index % 2 === 0, text, stable, candidate, stableSamples, candidateSamples,
    interval: isRatio && verdict === 'pass' ? { of: 'ratio', low: 0.91, estimate: 1.03, high: 1.14 } : interval,
    evidence: { now, needed: 300, alpha: 1 / 300, moreRequests: 210 },
    method: isRatio
      ? { name: 'label-betting', words: 'bets on which version a time belongs to, given the time; valid at every moment', source: 'Podkopaev, Ramdas, NeurIPS 2023; Pandeva et al., TMLR 2024; Ville\'s inequality' }
      : { name: 'two-proportions', words: BETS, source: SOURCE },
    change: changes[verdict],
  };
}

/** Why a release is where it is. Of the past only what happened is known: until people met it, no check could tell. */
export function explain({ metadata, spec, status }, at) {
  const past = at ? status.timeline.filter((entry) => entry.at <= at).at(-1) : undefined;
  if (at && !past) return undefined;
  const verdicts = past && past.at !== status.timeline.at(-1).at
    ? status.verdicts.map((one) => ({ ...one, verdict: 'inconclusive', text: 'Only 18 of the 30 requests needed have been answered', candidateSamples: 18, stableSamples: 700 }))
    : status.verdicts;
  return {
    release: metadata.name, service: spec.service, from: status.from, to: status.to, at: at ?? iso(), phase: past && verdicts !== status.verdicts ? 'Progressing' : status.phase,
    step: status.step, audience: status.split.desired.audience, reason: past?.text ?? status.reason.text,
    checks: verdicts.map(explained), falseAlarm: verdicts.length > 0 ? 0.01 : null,
  };
}

/** What a release would be able to see: of `mailer`, nothing, because no requests come. */
export function forecast({ service, policy = 'canary' }) {
  const { steps } = resources.get(key('Policy', policy)).spec;
  const rate = service === 'mailer' ? 0 : 220;
  const live = (value) => ({ value, origin: rate > 0 ? 'live' : 'assumed' });
  let failed = 0;
  let people = 0;
  const foreseen = steps.map((step, i) => {
    const [, minutes = '0', secs = '0'] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(step.hold.time);
    const seconds = Number(minutes) * 60 + Number(secs);
    const part = step.audience[0].percent / 100;
    const requests = Math.round(rate * seconds * part);
    people += Math.round(requests / 4);
    failed += Math.round(requests * 0.05 * 0.6 ** i);
    const isSeen = part < 1 && requests > 100;
    return {
      name: step.name, kind: 'expose', audience: `${step.audience[0].percent} % of everyone`, share: part * 100_000, hasSegments: false,
      takes: step.hold.time, undecided: null, counted: step.hold.time, requests, people,
      findsAfter: isSeen ? `${Math.max(4, Math.round(seconds * 0.3))}s` : null, findsSurelyAfter: isSeen ? `${Math.round(seconds * 0.7)}s` : null,
      smallest: requests > 0 ? Math.min(1, 0.005 + 8 / requests) : null, smallestSlower: isSeen ? 0.2 : null, failed, failedAtMost: Math.round(people * 0.2),
      checks: [], words: [],
    };
  });
  const never = rate > 0
    ? [{ index: 1, check: 'http.latency p99.9 against stable, at most 10 % slower', doubt: { code: 'quantile', text: 'of the 1 500 requests that come, about 1.5 are beyond its quantile' } }]
    : [{ index: 0, check: 'http.errors against stable, at most 0.5 points worse', doubt: { code: 'no-traffic', text: 'no requests come' } }];
  const outcome = (bad, words) => ({ bad, found: 0.98, foundAfter: '24s', surelyAfter: '40s', step: steps[0].name, by: 0, requests: 640, failed: 32, failedAtMost: 900, people: 160, words });
  const failing = rate > 0
    ? outcome({ failures: 0.05 }, `A version that fails 5 % of its requests is found after about 24s, in step ${steps[0].name} by \`http.errors against stable, at most 0.5 points worse\`, nine times in ten within 40s: 32 requests fail on the way, and 160 people meet it`)
    : outcome({ failures: 0.05 }, 'A version that fails 5 % of its requests is not found: 0 requests fail on the way, and 0 people meet it');
  const slower = outcome({ slower: 0.5 }, rate > 0 ? 'A version that takes 50 % longer is found after about 35s, in step five: 290 people meet it' : 'A version that takes 50 % longer is not found: 0 people meet it');
  return {
    policy, assumed: { failures: { share: 0.05 }, slower: 0.5 }, steps: foreseen, takes: '2m10s', undecided: [], failing, slower, levels: [], byChance: 0, never,
    traffic: { rate: live(rate), errors: live(0.002), latency: { p50: 32, p95: 88, p99: 160, origin: 'live' }, visitors: { value: rate * 360, origin: 'assumed' }, services: 1 },
    words: [
      ...(rate > 0 ? [] : ['No requests come, so that nothing can be proved; say how many are expected']),
      'If nothing is wrong, the release takes 2m10s', failing.words, slower.words,
      ...never.map(({ check, doubt }) => `\`${check}\` cannot tell in any step: ${doubt.text}`),
    ],
  };
}
