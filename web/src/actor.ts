// Who acts. Until sign-in exists this is the name that people give, kept in their browser and sent with every request.

import { useSyncExternalStore } from 'react';

const KEY = 'sluice-actor';
const listeners = new Set<() => void>();

let current = read();

function read(): string {
  try {
    return localStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

/** The name, or nothing when none was given. */
export const actor = () => current;

export function setActor(name: string) {
  // A header holds visible ASCII safely, and nothing else.
  current = name.replace(/[^\x20-\x7e]/g, '').trim().slice(0, 64);
  try {
    localStorage.setItem(KEY, current);
  } catch {
    // Storage can be switched off; then the name holds until the page is closed.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useActor = () => useSyncExternalStore(subscribe, actor);
