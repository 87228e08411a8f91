// When something may begin in an environment, in words.

import type { EnvironmentStanding, Standing } from '../api/resources';
import { relative, when } from './time';

/** An environment in which nothing may begin now. */
export interface Closure {
  /** `Freeze: holidays`, `Outside its hours`. */
  why: string;
  /** Milliseconds since 1970; none where that is not known. */
  opensAt?: number;
}

/** Why and until when nothing may begin there, unless something may. */
export function closure({ closedBy, reason, changesAt }: EnvironmentStanding): Closure | undefined {
  if (!closedBy) return undefined;
  const why = closedBy === 'freeze' ? `Freeze${reason ? `: ${reason}` : ''}` : 'Outside its hours';
  return { why, ...(changesAt && { opensAt: Date.parse(changesAt) }) };
}

/** `Opens tomorrow 09:00 your time (in 14 h)`: reasons name the time on the clocks of the environment. */
export const opens = ({ opensAt }: Closure, now: number) =>
  opensAt === undefined ? 'It is not known when it opens' : `Opens ${when(opensAt, now)} your time (${relative(opensAt, now)})`;

/** When the next environment opens or closes, in milliseconds since 1970. */
export function nextChange({ environments }: Standing, now: number): number | undefined {
  const times = environments.flatMap(({ changesAt }) => (changesAt ? [Date.parse(changesAt)] : []));
  const ahead = times.filter((at) => at > now);
  return ahead.length > 0 ? Math.min(...ahead) : undefined;
}
