// What a step asks for, and how far it is, in words.

import type { GateStatus, PolicySpec, StepStatus } from '../api/resources';
import { count, share } from './number';
import { length, parseSpan } from './time';

/** One thing that a step waits for. */
export interface Hold {
  text: string;
  /** From 0 to 1; none when there is nothing to measure. */
  done?: number;
}

/** What a step does, as far as people tell steps apart. */
export type Work = 'expose' | 'ramp' | 'shadow' | 'watch' | 'approval' | 'webhook' | 'waitFor' | 'pointOfNoReturn';

/** The works that have a word of their own; a step that shows the candidate to people says to whom, which is enough. */
export const WORKS: Record<Work, string> = {
  expose: '',
  ramp: 'Ramp',
  shadow: 'Shadow traffic',
  watch: 'Watch only',
  approval: 'Approval',
  webhook: 'Webhook',
  waitFor: 'Other service',
  pointOfNoReturn: 'Point of no return',
};

/** What a step does. That nobody steers is only known from its policy. */
export function work({ name, kind, audience }: StepStatus, policy?: PolicySpec): Work {
  if (kind !== 'expose') return kind;
  if (audience.endsWith('of requests copied')) return 'shadow';
  return policy?.steps.find((step) => step.name === name)?.watch ? 'watch' : 'expose';
}

/** Whether a step waits for somebody or something, and shows the candidate to nobody new. */
export const isGate = ({ kind }: StepStatus) => kind !== 'expose' && kind !== 'ramp';

/** What a step asks for: `10 min and 200 requests`. */
export function asks(step: StepStatus): string {
  if (isGate(step)) return '';
  if (step.untilPromoted) return 'until somebody promotes';
  const parts: string[] = [];
  if (parseSpan(step.holdTime) > 0) parts.push(length(parseSpan(step.holdTime)));
  if (step.holdRequests > 0) parts.push(`${count(step.holdRequests)} requests`);
  if (step.kind === 'ramp') return parts.length > 0 ? `then ${parts.join(' and ')}` : '';
  return parts.join(' and ') || 'no wait';
}

/** How far a step is, one line for each thing that it waits for. */
export function progress(step: StepStatus, gate?: GateStatus | null): Hold[] {
  if (isGate(step)) return gate ? gateProgress(gate) : [];
  const holds: Hold[] = [];
  const top = step.rampTo;
  if (top) holds.push({ text: `${share(step.candidate)} of ${share(top)}`, done: Math.min(1, step.candidate / top) });
  // What is held at the top of a ramp counts only there.
  if (top && step.candidate < top) return holds;
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

function gateProgress({ kind, count: wanted, given }: GateStatus): Hold[] {
  if (kind !== 'approval') return [];
  return [{ text: `${given.length} of ${wanted} given`, done: Math.min(1, given.length / wanted) }];
}
