import { describe, expect, it } from 'vitest';
import type { EnvironmentSpec, EnvironmentStanding, GateStatus, Release, ReleaseStatus, ServiceThere, Standing, StepStatus } from '../api/resources';
import { closure, nextChange, opens } from './calendar';
import { consequence } from './consequence';
import { cannot, holdUp, peopleWith } from './holdup';
import { byUrgency, needsSomebody, wanted } from './needs';
import { isNewer, newest, offer } from './standing';
import { asks, progress, work } from './step';
import { when } from './time';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');
const local = (text: string) => new Date(text).getTime();

const step = (changes: Partial<StepStatus>): StepStatus => ({
  name: 'few', kind: 'expose', audience: '5 % of everyone', candidate: 5_000, state: 'ahead', since: null, holdTime: '0s', heldTime: '0s',
  holdRequests: 0, heldRequests: 0, untilPromoted: false, ...changes,
});

const gate = (changes: Partial<GateStatus>): GateStatus => ({
  kind: 'approval', roles: ['product'], count: 2, fourEyes: true, given: [], said: null, expiresAt: '2026-11-24T10:00:00.000Z', ...changes,
});

const status = (changes: Partial<ReleaseStatus>) =>
  ({
    phase: 'AwaitingApproval', step: 'sign-off', from: '2.0.3', to: '2.1.0', attempt: 1, timeline: [], services: [], startedBy: 'erik',
    steps: [step({ state: 'done' }), step({ name: 'sign-off', kind: 'approval', audience: 'approval by product, 2 people', state: 'current' }), step({ name: 'all', audience: 'everyone' })],
    reason: { code: 'approval', text: 'Step sign-off waits for approval by product', at: '2026-11-23T10:00:00.000Z' },
    gate: gate({}), verbs: ['approve', 'reject', 'override'], ...changes,
  }) as ReleaseStatus;

const production = { policies: [], start: 'manual', roles: { product: ['anna', 'ben'], 'release-manager': ['carla'] }, override: ['release-manager'] } as EnvironmentSpec;

describe('what holds a release up', () => {
  it('is an approval, with who has to give it and until when', () => {
    expect(holdUp(status({}))).toEqual({
      kind: 'approval', title: 'Waits for approval: product', facts: ['It takes 2 people with the role product'], until: '2026-11-24T10:00:00.000Z',
    });
  });

  it('is another program, with what it said last', () => {
    const asked = step({ name: 'qa', kind: 'webhook', audience: 'https://qa.example.com/verdict says that all is well', state: 'current' });
    const held = holdUp(status({ phase: 'Waiting', steps: [asked], gate: gate({ kind: 'webhook', roles: [], count: 0, said: '3 tests to go' }) }));
    expect(held?.facts).toEqual(['https://qa.example.com/verdict has to say that all is well.', 'It said last: 3 tests to go.']);
  });

  it('is another service, with the version that it has', () => {
    const asked = step({ name: 'payments', kind: 'waitFor', audience: 'payments has >=1.4.0', state: 'current' });
    const held = holdUp(status({ phase: 'Waiting', steps: [asked], gate: gate({ kind: 'waitFor', roles: [], count: 0, said: '1.3.2' }) }));
    expect(held?.title).toBe('Waits for payments');
    expect(held?.facts).toEqual(['payments has to have 1.4.0 or newer.', 'It has 1.3.2 now.']);
  });

  it('is the calendar, and not another release that is waited for', () => {
    const waiting = (code: string) => status({ phase: 'Waiting', gate: null, reason: { code, text: '', at: '' } });
    expect(holdUp(waiting('closed'))?.kind).toBe('calendar');
    expect(holdUp(waiting('queued'))).toBeUndefined();
  });
});

describe('who may say what', () => {
  it('is everybody with the role, but not whoever started the release', () => {
    expect(cannot('approve', 'anna', status({}), production)).toBeUndefined();
    expect(cannot('approve', 'carla', status({}), production)).toBe('anna and ben can approve or reject, you cannot.');
    expect(cannot('approve', 'anna', status({ startedBy: 'anna' }), production)).toContain('somebody else has to approve');
    expect(cannot('reject', 'anna', status({ startedBy: 'anna' }), production)).toBeUndefined();
  });

  it('is asked once of each person', () => {
    const given = [{ actor: 'anna', at: '2026-11-23T09:12:00.000Z', reason: null }];
    expect(cannot('approve', 'anna', status({ gate: gate({ given }) }), production)).toBe('You have approved already.');
  });

  it('leaves going ahead to those whom the environment names, or to everybody', () => {
    expect(cannot('override', 'anna', status({}), production)).toBe('Only carla may go ahead anyway.');
    expect(cannot('override', 'carla', status({}), production)).toBeUndefined();
    expect(cannot('override', 'anna', status({}), null)).toBeUndefined();
    expect(cannot('override', 'anna', status({}), { ...production, override: [] })).toBe('Nobody may go ahead anyway here.');
  });

  it('is left to the control plane while nobody said who they are', () => {
    expect(cannot('approve', '', status({}), production)).toBeUndefined();
    expect(peopleWith(['no-such-role'], production)).toEqual([]);
  });
});

describe('what an answer at a gate would do', () => {
  it('says how many approvals are missing after one more', () => {
    expect(consequence('approve', status({}))).toContain('one more approval is needed');
    const given = [{ actor: 'anna', at: '', reason: null }];
    expect(consequence('approve', status({ gate: gate({ given }) }))).toContain('goes on to step all, and everyone will have 2.1.0');
  });

  it('says that going ahead is logged', () => {
    expect(consequence('override', status({}))).toContain('go into the log');
  });
});

describe('steps that are gates or ramps', () => {
  it('tells shadow traffic and watching from showing', () => {
    expect(work(step({ audience: 'nobody, with 10 % of requests copied' }))).toBe('shadow');
    const policy = { steps: [{ name: 'few', watch: { time: '10m' } }] } as Parameters<typeof work>[1];
    expect(work(step({ audience: 'everyone' }), policy)).toBe('watch');
    expect(work(step({}), policy && { ...policy, steps: [] })).toBe('expose');
  });

  it('measures a ramp by its share, and its hold only at the top', () => {
    const ramp = { kind: 'ramp', rampTo: 50_000, holdTime: '10m', heldTime: '1m' } as const;
    expect(progress(step({ ...ramp, candidate: 20_000 })).map(({ text, done }) => [plain(text), done])).toEqual([['20 % of 50 %', 0.4]]);
    expect(progress(step({ ...ramp, candidate: 50_000 }))).toHaveLength(2);
    expect(asks(step({ ...ramp }))).toBe('then 10\u00a0min');
  });

  it('measures an approval by those who gave it', () => {
    const given = [{ actor: 'anna', at: '', reason: null }];
    expect(progress(step({ kind: 'approval' }), gate({ given }))).toEqual([{ text: '1 of 2 given', done: 0.5 }]);
    expect(asks(step({ kind: 'approval' }))).toBe('');
  });
});

describe('points in time to plan with', () => {
  const now = local('2026-11-23T19:00:00');
  it('name the day as far as it is needed', () => {
    const at = (text: string) => when(local(text), now);
    expect(at('2026-11-23T10:00:00')).toBe('10:00');
    expect(at('2026-11-24T10:00:00')).toBe('tomorrow 10:00');
    expect(at('2026-11-22T10:00:00')).toBe('yesterday 10:00');
    expect(at('2026-11-25T10:00:00')).toBe('Wed 25 Nov, 10:00');
    expect(at('2027-01-04T09:00:00')).toBe('Mon 4 Jan 2027, 09:00');
  });
});

const place = (changes: Partial<EnvironmentStanding>): EnvironmentStanding => ({
  name: 'production', after: 'staging', closedBy: null, reason: null, changesAt: null, text: '', ...changes,
});

const frozen = place({ closedBy: 'freeze', reason: 'holidays', changesAt: '2027-01-04T08:00:00.000Z' });

describe('calendars', () => {
  const now = Date.parse('2026-12-30T12:00:00.000Z');
  it('say why an environment is closed, and when it opens', () => {
    const closed = closure(frozen);
    expect(closed?.why).toBe('Freeze: holidays');
    expect(closed && plain(opens(closed, now))).toMatch(/^Opens Mon 4 Jan 2027, \d\d:00 your time \(in 4 days\)$/);
    expect(closure(place({}))).toBeUndefined();
  });

  it('say so when nobody knows when that is', () => {
    const closed = closure(place({ closedBy: 'window' }));
    expect(closed && `${closed.why}. ${opens(closed, now)}`).toBe('Outside its hours. It is not known when it opens');
  });

  it('are asked again when the next of them changes', () => {
    const open = place({ changesAt: '2026-12-31T16:30:00.000Z' });
    const past = place({ changesAt: '2026-12-30T11:00:00.000Z' });
    expect(nextChange({ environments: [frozen, open, past], services: [] }, now)).toBe(Date.parse('2026-12-31T16:30:00.000Z'));
    expect(nextChange({ environments: [place({})], services: [] } as Standing, now)).toBeUndefined();
  });
});

describe('versions', () => {
  it('are ordered as semantic versions', () => {
    expect(isNewer('2.1.0', '2.0.9')).toBe(true);
    expect(isNewer('2.0.10', '2.0.9')).toBe(true);
    expect(isNewer('2.0.9', '2.1.0')).toBe(false);
    expect(isNewer('2.1', '2.1.0')).toBe(false);
    expect(isNewer('2.1.0', '2.1.0-rc.1')).toBe(true);
    expect(isNewer('2.1.0-rc.10', '2.1.0-rc.2')).toBe(true);
    expect(isNewer('v2.1.0+build.7', 'v2.1.0+build.6')).toBe(false);
  });

  it('are newer when they are others, where their names hold no order', () => {
    expect(isNewer('3f9c2e1', 'a01b2c3')).toBe(true);
    expect(isNewer('3f9c2e1', '3f9c2e1')).toBe(false);
    expect(newest(['3f9c2e1', 'a01b2c3'])).toBe('a01b2c3');
    expect(newest(['2.0.3', '2.1.0', '2.0.4'])).toBe('2.1.0');
  });
});

describe('handing on', () => {
  const there = (live: string | null, release: ServiceThere['release'] = null): ServiceThere => ({ live, release, waiting: [] });

  it('is offered where the environment before has a newer version', () => {
    expect(offer(place({}), { staging: there('2.1.0'), production: there('2.0.3') })).toEqual({ version: '2.1.0', from: 'staging' });
    expect(offer(place({}), { staging: there('2.0.3'), production: there('2.1.0') })).toBeUndefined();
    expect(offer(place({}), { staging: there('2.1.0'), production: there(null) })?.version).toBe('2.1.0');
  });

  it('is not offered while that version is on its way, nor where the service does not exist', () => {
    const release = { name: 'checkout-2.1.0-1', version: '2.1.0', phase: 'Progressing', share: 5_000 } as const;
    expect(offer(place({}), { staging: there('2.1.0'), production: there('2.0.3', release) })).toBeUndefined();
    expect(offer(place({}), { staging: there('2.1.0') })).toBeUndefined();
    expect(offer(place({ after: null }), { production: there('2.0.3') })).toBeUndefined();
  });
});

describe('what needs somebody', () => {
  const release = (changes: Partial<ReleaseStatus>) => ({ metadata: { name: 'r' }, status: status(changes) }) as Release;
  const at = '2026-11-23T10:00:00.000Z';

  it('is what waits for an approval, is paused, or waits until somebody promotes', () => {
    expect(needsSomebody(release({}))).toBe(true);
    expect(needsSomebody(release({ phase: 'Paused' }))).toBe(true);
    expect(needsSomebody(release({ phase: 'Progressing', reason: { code: 'until-promoted', text: '', at } }))).toBe(true);
    expect(needsSomebody(release({ phase: 'Progressing', reason: { code: 'holding', text: '', at } }))).toBe(false);
    expect(needsSomebody(release({ phase: 'Waiting' }))).toBe(false);
  });

  it('says what is wanted, and begins with what expires', () => {
    expect(wanted(release({}))).toBe('Waits for approval: product, 0 of 2 given');
    const paused = release({ phase: 'Paused', gate: null, reason: { code: 'person', text: 'anna paused it', at } });
    expect(wanted(paused)).toBe('anna paused it');
    expect([paused, release({})].toSorted(byUrgency).map(({ status: { phase } }) => phase)).toEqual(['AwaitingApproval', 'Paused']);
  });
});
