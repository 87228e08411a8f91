// What a verb would do to a release now, in words: what somebody reads before they confirm it.

import type { ReleaseStatus, StepStatus, Verb } from '../api/resources';
import { share } from './number';

/** What it means to go on: `the release goes on to step half, and 50 % of everyone will have 2.1.0`. */
function goingOn(next: StepStatus | undefined, to: string): string {
  if (!next) return `${to} becomes the stable version, and everyone has it for good`;
  const who = next.kind === 'expose' ? `, and ${next.audience} will have ${to}` : '';
  return `the release goes on to step ${next.name}${who}`;
}

function approving({ gate, to }: ReleaseStatus, next: StepStatus | undefined): string {
  const missing = (gate?.count ?? 1) - (gate?.given.length ?? 0) - 1;
  if (missing <= 0) return `That is enough: ${goingOn(next, to)}, unless the calendar is closed.`;
  return `After yours, ${missing === 1 ? 'one more approval is' : `${missing} more approvals are`} needed before the release goes on.`;
}

/** One or two sentences. Follows the release while the dialog is open. */
export function consequence(verb: Verb, status: ReleaseStatus): string {
  const { from, to, steps, split } = status;
  const current = steps.findIndex(({ state }) => state === 'current');
  const next = steps[current + 1];
  switch (verb) {
    case 'promote':
      if (next && next.kind !== 'expose') return `Without waiting for the rest of this step, ${goingOn(next, to)}.`;
      return next
        ? `The release goes on to step ${next.name} now, without waiting for the rest of this one: ${next.audience} will have ${to}.`
        : `${to} becomes the stable version: everyone has it for good.`;
    case 'pause':
      return `${to} stays where it is, at ${share(split.desired.candidate)} of everyone, until somebody decides.`;
    case 'resume':
      return `The release goes on from ${status.step ? `step ${status.step}` : 'where it was paused'}.`;
    case 'abort':
      return `Everyone goes back to ${from} at once, and the release ends as Aborted.`;
    case 'rollback':
      return status.phase === 'Succeeded'
        ? `Everyone goes back to ${from} at once. It is live again.`
        : `Everyone goes back to ${from} at once, and the release ends as Rolled back.`;
    case 'retry':
      return `The release of ${to} starts over from its first step, as attempt ${status.attempt + 1}.`;
    case 'approve':
      return approving(status, next);
    case 'reject':
      return `Everyone goes back to ${from} at once, and the release ends as Rolled back.`;
    case 'override':
      return `The release goes on in spite of ${status.gate ? 'its gate' : 'the calendar'}. Your name and your reason go into the log, where everybody can read them.`;
  }
}

/** Verbs that take something away from people; their buttons are red. */
export const takesBack = (verb: Verb) => verb === 'abort' || verb === 'rollback' || verb === 'reject';
