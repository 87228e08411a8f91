// What a verb would do to a release now, in words: what somebody reads before they confirm it.

import type { ReleaseStatus, Verb } from '../api/resources';
import { share } from './number';

/** One or two sentences. Follows the release while the dialog is open. */
export function consequence(verb: Verb, status: ReleaseStatus): string {
  const { from, to, steps, split } = status;
  const current = steps.findIndex(({ state }) => state === 'current');
  const next = steps[current + 1];
  switch (verb) {
    case 'promote':
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
  }
}

/** Verbs that take something away from people; their buttons are red. */
export const takesBack = (verb: Verb) => verb === 'abort' || verb === 'rollback';
