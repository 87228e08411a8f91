import { describe, expect, it } from 'vitest';
import type { Forecast, StepForecast } from '../api/resources';
import { amount, evidenceReach, falseAlarms, intervalPlaces, intervalWords, say } from './account';
import { basis, facts, sayings, stretches, warnings } from './forecast';
import { fieldTime } from './time';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('why a check says what it says', () => {
  it('tells a pass that is proved from one in which no harm was seen', () => {
    expect(say({ verdict: 'pass', isProved: true })).toBe('proved');
    expect(say({ verdict: 'pass', isProved: false })).toBe('unharmed');
    expect(say({ verdict: 'fail', isProved: false })).toBe('fail');
  });

  it('writes evidence as the command does', () => {
    expect([0.002, 0.42, 300, 12_345, 1e299].map(amount)).toEqual(['less than 0.01', '0.42', '300', '12,345', 'more than a million billion']);
  });

  it('draws evidence by its logarithm, and none for what speaks for the candidate', () => {
    expect(evidenceReach({ now: 10, needed: 100 })).toBeCloseTo(0.5);
    expect(evidenceReach({ now: 0.2, needed: 100 })).toBe(0);
    expect(evidenceReach({ now: 0, needed: 100 })).toBe(0);
    expect(evidenceReach({ now: 1e300, needed: 100 })).toBe(1);
  });

  it('says an interval in points or times, and when it has no bound', () => {
    expect(plain(intervalWords({ of: 'difference', low: -0.0031, estimate: 0.0001, high: 0.0042 }))).toBe(
      'Difference from stable: +0.010 points, between -0.310 points and +0.420 points.',
    );
    expect(plain(intervalWords({ of: 'ratio', low: null, estimate: 1.5, high: 3 }))).toBe(
      'Of stable’s value: 1.50 times, between anything and 3.00 times.',
    );
  });

  it('draws half as far from stable as twice', () => {
    const places = intervalPlaces({ of: 'ratio', low: 0.5, estimate: 1, high: 2 });
    expect(places?.alike).toBeCloseTo(0.5);
    expect(places?.estimate).toBeCloseTo(0.5);
    expect((places?.low ?? 0) + (places?.high ?? 0)).toBeCloseTo(1);
  });

  it('draws an end without a bound up to the end of the bar, and nothing where nothing is known', () => {
    expect(intervalPlaces({ of: 'difference', low: 0.1, estimate: 0.2, high: null })).toMatchObject({ high: 1, isOpenHigh: true, isOpenLow: false });
    expect(intervalPlaces({ of: 'ratio', low: null, estimate: null, high: null })).toBeUndefined();
  });

  it('says false alarms of the whole release without digits that mean nothing', () => {
    expect(plain(falseAlarms(1 - 0.99))).toContain('at most 1 % over the whole release');
  });

  it('writes a moment as a field of a form does', () => {
    const at = new Date('2026-11-23T15:20:01').getTime();
    expect(fieldTime(at)).toBe('2026-11-23T15:20:01');
  });
});

const step = (changes: Partial<StepForecast>): StepForecast => ({
  name: 'few', kind: 'expose', audience: '5 % of everyone', share: 5_000, hasSegments: false, takes: '10m', undecided: null, counted: '10m',
  requests: 640, people: 1_600, findsAfter: '2m', findsSurelyAfter: '4m', smallest: 0.012, smallestSlower: null, failed: 32, failedAtMost: 90,
  checks: [], words: [], ...changes,
});

describe('what a release would be able to see', () => {
  it('is drawn along time, with the mark inside its step', () => {
    const places = stretches([step({}), step({ name: 'half', counted: '30m', findsAfter: null })]);
    expect(places).toEqual([{ begin: 0, end: 0.25, found: 0.05 }, { begin: 0.25, end: 1, found: undefined }]);
  });

  it('is told of each step in four facts', () => {
    expect(facts(step({})).map(({ value }) => plain(value))).toEqual(['10 min', '1,600', '32 failed requests', '1.2 % failures']);
    expect(facts(step({ smallest: null })).at(-1)?.value).toBe('nothing is found');
    expect(facts(step({ kind: 'approval' }))).toEqual([]);
  });

  it('warns of checks that can never decide, apart from the rest', () => {
    const never = [{ index: 0, check: 'http.errors', doubt: { code: 'no-traffic', text: 'no requests come' } }] as Forecast['never'];
    const words = ['If nothing is wrong, the release takes 10m', '`http.errors` cannot tell in any step: no requests come'];
    const forecast = { never, words } as Forecast;
    expect(sayings(forecast)).toEqual(['If nothing is wrong, the release takes 10m.']);
    expect(warnings(forecast)).toEqual(['“http.errors” can never decide: no requests come.']);
  });

  it('says which figures are measured and which are assumed', () => {
    const forecast = {
      traffic: { rate: { value: 220, origin: 'live' }, errors: { value: 0.002, origin: 'assumed' }, visitors: { value: 79_200, origin: 'assumed' } },
      assumed: { failures: { times: 3 }, slower: 0.5 },
    } as Forecast;
    expect(basis(forecast)).toContain('220 requests a second (measured)');
    expect(basis(forecast)).toContain('fails 3 times as often as stable');
  });
});
