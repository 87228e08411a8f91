// Why a check says what it says, in words and as places on bars from 0 to 1.

import type { CheckAccount, EffectInterval, EvidenceAccount } from '../api/resources';
import { count } from './number';

const NBSP = '\u00a0';

/** What a check says, with what is proved told apart from what is only not contradicted. */
export type Say = 'proved' | 'unharmed' | 'fail' | 'inconclusive';

export function say({ verdict, isProved }: Pick<CheckAccount, 'verdict' | 'isProved'>): Say {
  if (verdict !== 'pass') return verdict;
  return isProved ? 'proved' : 'unharmed';
}

/** A positive number: `0.02`, `3.40`, `12,345`. */
export function amount(value: number): string {
  if (value < 0.01) return 'less than 0.01';
  if (value < 10) return value.toFixed(2);
  return value < 1e15 ? count(value) : 'more than a million billion';
}

/** How far evidence is on the way to what it takes, on a logarithmic scale: 1 speaks for neither and is the beginning. */
export function evidenceReach({ now, needed }: Pick<EvidenceAccount, 'now' | 'needed'>): number {
  if (now >= needed) return 1;
  return needed > 1 ? Math.max(0, Math.log(now) / Math.log(needed)) : 0;
}

function effect(of: EffectInterval['of'], value: number): string {
  if (of === 'ratio') return `${value.toFixed(2)}${NBSP}times`;
  const points = (value * 100).toFixed(3);
  return `${value >= 0 ? '+' : ''}${points}${NBSP}points`;
}

/** An interval in one sentence. */
export function intervalWords({ of, low, estimate, high }: EffectInterval): string {
  const show = (value: number | null | undefined, open: string) => (value == null ? open : effect(of, value));
  const what = of === 'ratio' ? 'Of stable’s value' : 'Difference from stable';
  return `${what}: ${show(estimate, 'unknown')}, between ${show(low, 'anything')} and ${show(high, 'anything')}.`;
}

/** Where an interval lies on a bar. An end that the data did not bound is the end of the bar. */
export interface Places {
  low: number;
  high: number;
  estimate: number | undefined;
  /** Where the versions are alike. */
  alike: number;
  isOpenLow: boolean;
  isOpenHigh: boolean;
}

/** The least ratio that a bar tells from zero. */
const RATIO_MIN = 0.01;

/** The room beside what is drawn, as a part of it. */
const ROOM = 0.2;

/** Where the parts of an interval lie; none when nothing is known. Ratios are drawn by their logarithm: half is as far as twice. */
export function intervalPlaces({ of, low, estimate, high }: EffectInterval): Places | undefined {
  const scaled = (value: number | null | undefined) =>
    value == null ? undefined : of === 'ratio' ? Math.log(Math.max(RATIO_MIN, value)) : value;
  const [from, middle, to] = [scaled(low), scaled(estimate), scaled(high)];
  const known = [from, middle, to].filter((value) => value !== undefined);
  if (known.length === 0) return undefined;
  // In both scales, versions that are alike stand at zero.
  const [least, most] = [Math.min(0, ...known), Math.max(0, ...known)];
  const room = (most - least || 1) * ROOM;
  const place = (value: number) => (value - least + room) / (most - least + 2 * room);
  return {
    low: from === undefined ? 0 : place(from),
    high: to === undefined ? 1 : place(to),
    estimate: middle === undefined ? undefined : place(middle),
    alike: place(0),
    isOpenLow: from === undefined,
    isOpenHigh: to === undefined,
  };
}

/** How likely false alarms are. */
export const falseAlarms = (alpha: number) =>
  `False alarms: at most ${Number((alpha * 100).toPrecision(3))}${NBSP}% over the whole release, with all its checks and however often it is looked at.`;
