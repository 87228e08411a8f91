// The time, as the control plane has it: what it says happened a minute ago did, whatever this machine's clock says.

import { useSyncExternalStore } from 'react';

let ahead = 0;
let current = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** Takes over the time that the control plane has now, in milliseconds since 1970. */
export function setServerTime(millis: number) {
  ahead = millis - Date.now();
}

/** The time that the control plane has now, in milliseconds since 1970. */
export const serverTime = () => Date.now() + ahead;

function tick() {
  current = Date.now() + ahead;
  for (const listener of listeners) listener();
}

// One timer for all: what stands on the page agrees with itself.
function subscribe(listener: () => void) {
  if (listeners.size === 0) current = Date.now() + ahead;
  listeners.add(listener);
  timer ??= setInterval(tick, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time in milliseconds since 1970, anew once a second. */
export const useNow = () => useSyncExternalStore(subscribe, () => current);
