// What is marked on the charts of a release: where it entered a step, was paused, went on, or was taken back.

import type { ReleaseStatus, TimelineEntry } from '../api/resources';

/** Something that happened while a chart was drawn. */
export interface Mark {
  /** Seconds since 1970. */
  at: number;
  label: string;
}

const TURNS: Partial<Record<TimelineEntry['kind'], string>> = {
  paused: 'paused',
  resumed: 'resumed',
  'rolling-back': 'taken back',
};

export function marks({ steps, timeline }: ReleaseStatus): Mark[] {
  // An entry of the kind `step` tells of a step's beginning or end; the beginning reads `Step few (2 of 5): …`.
  const entered = (text: string) => steps.find(({ name }) => text.startsWith(`Step ${name} (`))?.name;
  return timeline.flatMap(({ at, kind, text }) => {
    const label = kind === 'step' ? entered(text) : TURNS[kind];
    return label ? [{ at: Date.parse(at) / 1000, label }] : [];
  });
}
