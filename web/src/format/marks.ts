// What is marked on the charts of a release: where it entered a step, was paused, went on, or was taken back.

import type { ReleaseStatus, TimelineEntry } from '../api/resources';

/** Something that happened while a chart was drawn. */
export interface Mark {
  /** Seconds since 1970. */
  at: number;
  label: string;
}

export function marks({ steps, timeline }: ReleaseStatus): Mark[] {
  // An entry of the kind `step` tells of a step's beginning or end; the beginning reads `Step few (2 of 5): …`.
  const entered = (text: string) => steps.find(({ name }) => text.startsWith(`Step ${name} (`))?.name;
  // A release also goes on when its turn has come and when somebody promotes it; only the end of a pause is marked.
  let isPaused = false;
  const labelOf = ({ kind, text }: TimelineEntry): string | undefined => {
    const wasPaused = isPaused;
    isPaused = kind === 'paused' || (isPaused && kind !== 'resumed');
    if (kind === 'step') return entered(text);
    if (kind === 'rolling-back') return 'taken back';
    if (kind === 'paused') return 'paused';
    return kind === 'resumed' && wasPaused ? 'resumed' : undefined;
  };
  return timeline.flatMap((entry) => {
    const label = labelOf(entry);
    return label ? [{ at: Date.parse(entry.at) / 1000, label }] : [];
  });
}
