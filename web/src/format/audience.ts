// What a policy would do, in words: what somebody reads before they start a release under it.

import type { PolicySpec } from '../api/resources';
import { length, parseSpan } from './time';
import { count } from './number';

const list = new Intl.ListFormat('en-GB');

type Step = PolicySpec['steps'][number];

/** `5 % of everyone`, `all of employees and 5 % of low-risk`. */
export function audience(step: Step): string {
  const lines = step.audience.map(({ segment, percent = 100 }) => {
    if (segment) return `${percent === 100 ? 'all' : `${percent}\u00a0%`} of ${segment}`;
    return percent === 100 ? 'everyone' : `${percent}\u00a0% of everyone`;
  });
  const excluded = step.exclude?.length ? `, without ${list.format(step.exclude)}` : '';
  return list.format(lines) + excluded;
}

/** `10 min and 200 requests`. */
export function hold(step: Step): string {
  if (step.hold?.untilPromoted) return 'until somebody promotes';
  const parts: string[] = [];
  if (step.hold?.time && parseSpan(step.hold.time) > 0) parts.push(length(parseSpan(step.hold.time)));
  if (step.hold?.requests) parts.push(`${count(step.hold.requests)} requests`);
  return parts.length > 0 ? `for ${parts.join(' and ')}` : 'no wait';
}
