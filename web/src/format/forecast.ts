// What a release would be able to see, in words and as places on a line of time.

import type { Forecast, StepForecast } from '../api/resources';
import { count, ratio, tied } from './number';
import { sentence } from './sentence';
import { length, parseSpan } from './time';

/** A sentence of a forecast, with a check in quotes instead of marks for a terminal. */
const spoken = (text: string) => sentence(tied(text).replace(/`([^`]+)`/g, '“$1”'));

/** What is most important, in sentences; the checks that cannot tell are said apart. */
export const sayings = ({ words, never }: Forecast) => words.slice(0, words.length - never.length).map(spoken);

/** The checks that can decide in no step, each with the reason. */
export const warnings = ({ never }: Forecast) => never.map(({ check, doubt }) => spoken(`“${check}” can never decide: ${doubt.text}`));

/** A step on the line of time, in parts of the whole. */
export interface Stretch {
  begin: number;
  end: number;
  /** Where a bad version would be found, on average; none when that takes longer than the step. */
  found: number | undefined;
}

/** Where each step lies. Those that wait for somebody take as long as they were reckoned with. */
export function stretches(steps: StepForecast[]): Stretch[] {
  const whole = steps.reduce((sum, step) => sum + parseSpan(step.counted), 0) || 1;
  let begin = 0;
  return steps.map(({ counted, findsAfter }) => {
    const from = begin;
    begin += parseSpan(counted) / whole;
    return { begin: from, end: begin, found: findsAfter == null ? undefined : Math.min(begin, from + parseSpan(findsAfter) / whole) };
  });
}

/** A fact of a step: what is asked, and the figure. */
export interface Fact {
  name: string;
  value: string;
}

/** What a step would show and cost; nothing of one in which nobody new meets the version. */
export function facts(step: StepForecast): Fact[] {
  if (step.kind !== 'expose' && step.kind !== 'ramp') return [];
  const least = [
    step.smallest == null ? undefined : `${ratio(step.smallest)} failures`,
    step.smallestSlower == null ? undefined : `${ratio(step.smallestSlower)} slower`,
  ].filter((text) => text !== undefined);
  return [
    { name: 'Until a verdict', value: step.takes ? length(parseSpan(step.takes)) : 'nobody can tell' },
    { name: 'People by its end', value: `${count(step.people)}${step.hasSegments ? ' and those in segments' : ''}` },
    { name: 'A bad version costs', value: `${count(step.failed)} failed requests` },
    { name: 'Found from', value: least.join(' or ') || 'nothing is found' },
  ];
}

const ORIGINS = { live: 'measured', given: 'given', assumed: 'assumed' };

/** What it was worked out for. */
export function basis({ traffic: { rate, errors, visitors }, assumed: { failures } }: Forecast): string {
  const bad = 'share' in failures ? `fails ${ratio(failures.share)} of its requests` : `fails ${count(failures.times)} times as often as stable`;
  return (
    `For ${count(rate.value)} requests a second (${ORIGINS[rate.origin]}), of which ${ratio(errors.value)} fail (${ORIGINS[errors.origin]}), from ` +
    `${count(visitors.value)} people an hour (${ORIGINS[visitors.origin]}). A bad version is one that ${bad}. These are averages.`
  );
}
