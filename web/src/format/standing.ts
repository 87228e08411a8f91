// What is live where, and what could be handed on.

import type { EnvironmentStanding, ServiceThere, Standing } from '../api/resources';
import { isFinal } from '../api/resources';

/** A version that an environment could take over from the one before it. */
export interface Offer {
  version: string;
  /** Where it is live. */
  from: string;
}

const NUMBERED = /^v?(\d+(?:\.\d+)*)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/;

/** Compares two lists part by part; what is missing is least. */
function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [x = '', y = ''] = [a[i], b[i]];
    if (x === y) continue;
    const [m, n] = [Number(x), Number(y)];
    const isNumbers = /^\d+$/.test(x) && /^\d+$/.test(y);
    if (isNumbers && m !== n) return m - n;
    if (!isNumbers) return x < y ? -1 : 1;
  }
  return 0;
}

/**
 * Whether a version is newer than another one, by the order of semantic versions. Where names hold no order, as those of
 * commits do not, any other version counts as newer.
 */
export function isNewer(version: string, than: string): boolean {
  if (version === than) return false;
  const [, a, preA] = NUMBERED.exec(version) ?? [];
  const [, b, preB] = NUMBERED.exec(than) ?? [];
  if (a === undefined || b === undefined) return true;
  const pad = (text: string) => [...text.split('.'), '0', '0', '0'].slice(0, Math.max(3, text.split('.').length));
  const order = compareParts(pad(a), pad(b));
  if (order !== 0) return order > 0;
  if (preA === undefined || preB === undefined) return preB !== undefined;
  return compareParts(preA.split('.'), preB.split('.')) > 0;
}

/** The newest of some versions; of those whose names hold no order the last. */
export const newest = (versions: readonly string[]): string | undefined =>
  versions.reduce<string | undefined>((best, version) => (best === undefined || isNewer(version, best) ? version : best), undefined);

/** The version that one environment could take over from the one before, if that is newer and not on its way. */
export function offer(environment: EnvironmentStanding, there: Record<string, ServiceThere>): Offer | undefined {
  const { after, name } = environment;
  const version = after ? there[after]?.live : undefined;
  const here = there[name];
  if (!after || !version || !here) return undefined;
  const isUnderWay = here.release?.version === version && !isFinal(here.release.phase);
  if (isUnderWay || (here.live && !isNewer(version, here.live))) return undefined;
  return { version, from: after };
}

/** The services of which something is on its way or waits, or could be handed on: `3 releases under way`. */
export function underWay({ services }: Standing): number {
  const all = services.flatMap(({ environments }) => Object.values(environments));
  return all.filter(({ release }) => release && !isFinal(release.phase)).length;
}
