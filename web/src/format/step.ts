// What a step asks for, and how far it is, in words.

import type { StepStatus } from '../api/resources';
import { count } from './number';
import { length, parseSpan } from './time';

/** One thing that a step waits for. */
export interface Hold {
  text: string;
  /** From 0 to 1; none when there is nothing to measure. */
  done?: number;
}

/** What a step asks for: `10 min and 200 requests`. */
export function asks(step: StepStatus): string {
  if (step.untilPromoted) return 'until somebody promotes';
  const parts: string[] = [];
  if (parseSpan(step.holdTime) > 0) parts.push(length(parseSpan(step.holdTime)));
  if (step.holdRequests > 0) parts.push(`${count(step.holdRequests)} requests`);
  return parts.join(' and ') || 'no wait';
}

/** How far a step is, one line for each thing that it waits for. */
export function progress(step: StepStatus): Hold[] {
  const holds: Hold[] = [];
  const wanted = parseSpan(step.holdTime);
  const held = Math.min(parseSpan(step.heldTime), wanted);
  if (wanted > 0) holds.push({ text: `${length(held)} of ${length(wanted)}`, done: held / wanted });
  if (step.holdRequests > 0) {
    const text = `${count(step.heldRequests)} of ${count(step.holdRequests)} requests`;
    holds.push({ text, done: Math.min(1, step.heldRequests / step.holdRequests) });
  }
  if (step.untilPromoted) holds.push({ text: 'Waits until somebody promotes' });
  return holds;
}
