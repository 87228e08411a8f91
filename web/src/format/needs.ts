// Which releases wait for a person, and for what.

import type { Release } from '../api/resources';
import { holdUp } from './holdup';
import { tied } from './number';

/** Whether a release goes no further until a person says something. */
export const needsSomebody = ({ status: { phase, reason } }: Release) =>
  phase === 'AwaitingApproval' || phase === 'Paused' || (phase === 'Progressing' && reason.code === 'until-promoted');

/** Approvals first, since they expire: what expires soonest, and then what has waited longest. */
export function byUrgency(a: Release, b: Release): number {
  const key = ({ status: { gate, reason } }: Release) => (gate ? `0 ${gate.expiresAt}` : `1 ${reason.at}`);
  return key(a).localeCompare(key(b));
}

/** What is wanted of people: `Waits for approval: product, 1 of 2 given`. */
export function wanted({ status }: Release): string {
  const held = holdUp(status);
  const { gate } = status;
  if (held?.kind !== 'approval' || !gate) return tied(status.reason.text);
  return gate.count > 1 ? `${held.title}, ${gate.given.length} of ${gate.count} given` : held.title;
}

/** What one goes there to do. */
export const calledFor = ({ status: { phase } }: Release) => (phase === 'AwaitingApproval' ? 'Decide' : phase === 'Paused' ? 'Look at it' : 'Promote');
