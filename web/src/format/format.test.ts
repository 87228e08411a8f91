import { describe, expect, it } from 'vitest';
import type { ReleaseStatus, StepStatus } from '../api/resources';
import { consequence } from './consequence';
import { marks } from './marks';
import { count, millis, perSecond, ratio, share } from './number';
import { asks, progress } from './step';
import { length, parseSpan, relative } from './time';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('numbers', () => {
  it('writes shares as the core does, without needless digits', () => {
    expect([0, 1, 5_000, 12_500, 33_333, 100_000].map((parts) => plain(share(parts)))).toEqual([
      '0 %', '0.001 %', '5 %', '12.5 %', '33.333 %', '100 %',
    ]);
  });

  it('never writes a failure that happened as none', () => {
    expect(plain(ratio(0.000_04))).toBe('< 0.01 %');
    expect(plain(ratio(0.0024))).toBe('0.24 %');
    expect(ratio(0)).toBe('0\u00a0%');
  });

  it('groups thousands and picks the unit that reads well', () => {
    expect(count(12_840)).toBe('12,840');
    expect(plain(millis(0.84))).toBe('0.8 ms');
    expect(plain(millis(84.4))).toBe('84 ms');
    expect(plain(millis(1250))).toBe('1.25 s');
    expect(perSecond(2.71)).toBe('2.7/s');
  });
});

describe('times', () => {
  it('reads lengths of time as the API writes them', () => {
    expect(parseSpan('1h30m')).toBe(5_400_000);
    expect(parseSpan('1s500ms')).toBe(1500);
    expect(parseSpan('0s')).toBe(0);
  });

  it('writes at most two units', () => {
    expect(plain(length(parseSpan('1d2h3m')))).toBe('1 d 2 h');
    expect(plain(length(90_400))).toBe('1 min 30 s');
    expect(plain(length(0))).toBe('0 s');
  });

  it('says how long ago, and in how long', () => {
    expect(relative(1_000, 2_000)).toBe('just now');
    expect(plain(relative(0, 185_000))).toBe('3 min ago');
    expect(plain(relative(3_600_000, 0))).toBe('in 1 h');
  });
});

const step = (changes: Partial<StepStatus>): StepStatus => ({
  name: 'few', kind: 'expose', audience: '5 % of everyone', candidate: 5_000, state: 'current', since: null, holdTime: '10m', heldTime: '2m30s',
  holdRequests: 200, heldRequests: 240, untilPromoted: false, ...changes,
});

describe('steps', () => {
  it('measures time and requests apart, and no further than the end', () => {
    expect(progress(step({})).map(({ text, done }) => [plain(text), done])).toEqual([
      ['2 min 30 s of 10 min', 0.25],
      ['240 of 200 requests', 1],
    ]);
  });

  it('says that a person is waited for', () => {
    expect(asks(step({ untilPromoted: true }))).toBe('until somebody promotes');
    expect(progress(step({ untilPromoted: true })).at(-1)).toEqual({ text: 'Waits until somebody promotes' });
  });

  it('says so when a step waits for nothing', () => {
    expect(asks(step({ holdTime: '0s', holdRequests: 0 }))).toBe('no wait');
  });
});

const status = (changes: Partial<ReleaseStatus>) =>
  ({
    phase: 'Progressing', from: '2.0.3', to: '2.1.0', attempt: 1, timeline: [],
    steps: [step({ name: 'few' }), step({ name: 'all', audience: 'everyone', state: 'ahead' })],
    split: { desired: { candidate: 5_000, audience: '5 % of everyone' }, observed: { candidate: 0, audience: 'nobody' } },
    ...changes,
  }) as ReleaseStatus;

describe('what a verb would do', () => {
  it('names the step that a promotion goes on to', () => {
    expect(consequence('promote', status({}))).toContain('step all now');
  });

  it('says that promoting the last step is for good', () => {
    const last = status({ steps: [step({ name: 'few', state: 'done' }), step({ name: 'all', state: 'current' })] });
    expect(consequence('promote', last)).toBe('2.1.0 becomes the stable version: everyone has it for good.');
  });

  it('names the version that people go back to', () => {
    expect(consequence('abort', status({}))).toContain('Everyone goes back to 2.0.3 at once');
  });
});

describe('marks', () => {
  it('stand where a step begins and where people are taken back, and nowhere else', () => {
    const at = '2026-11-23T09:30:00.000Z';
    const timeline = [
      { at, kind: 'step', text: 'Step few (1 of 2): 5 % of everyone' },
      { at, kind: 'traffic', text: '5 % of everyone meets 2.1.0 now' },
      { at, kind: 'step', text: 'Step few is over' },
      { at, kind: 'rolling-back', text: 'Everyone goes back to 2.0.3.' },
    ] as ReleaseStatus['timeline'];
    expect(marks(status({ timeline })).map(({ label }) => label)).toEqual(['few', 'taken back']);
  });

  it('stand where a pause ends, and not where a release goes on for another reason', () => {
    const at = '2026-11-23T09:30:00.000Z';
    const timeline = ['resumed', 'paused', 'verdict', 'resumed', 'resumed'].map((kind) => ({ at, kind, text: '' }));
    expect(marks(status({ timeline: timeline as ReleaseStatus['timeline'] })).map(({ label }) => label)).toEqual(['paused', 'resumed']);
  });
});
