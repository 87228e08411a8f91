import { useSyncExternalStore } from 'react';
import { absolute, clock, relative } from '../format/time';

// One clock for all: what stands on the page agrees with itself.
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  if (listeners.size === 0) now = Date.now();
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const listen of listeners) listen();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time, once a second. */
export const useNow = () => useSyncExternalStore(subscribe, () => now);

/** A point in time as people say it, `3 min ago`; the exact one on hover. */
export function Ago({ at }: { at: string }) {
  const millis = Date.parse(at);
  return (
    <time dateTime={at} title={absolute(millis)}>
      {relative(millis, useNow())}
    </time>
  );
}

/** A point in time of the day, `15:20:01`; the date on hover. */
export function At({ at }: { at: string }) {
  const millis = Date.parse(at);
  return (
    <time dateTime={at} title={absolute(millis)}>
      {clock(millis)}
    </time>
  );
}
