// Points in time and lengths of time as people read them.

const NBSP = '\u00a0';
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNIT_MILLIS: Record<string, number> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY };

/** Milliseconds of a length of time as the API writes it: `1h30m`, `250ms`. Zero for what is none. */
export function parseSpan(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNIT_MILLIS[unit ?? ''] ?? 0);
  }
  return total;
}

/** A length of time with at most two units: `45 s`, `1 min 30 s`, `2 h`. */
export function length(span: number): string {
  if (span > 0 && span < SECOND) return `${Math.round(span)}${NBSP}ms`;
  const units: [number, string][] = [[DAY, 'd'], [HOUR, 'h'], [MINUTE, 'min'], [SECOND, 's']];
  const first = units.findIndex(([size]) => span >= size);
  if (first < 0) return `0${NBSP}s`;
  let left = span;
  const words: string[] = [];
  for (const [size, word] of units.slice(first, first + 2)) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount > 0) words.push(`${amount}${NBSP}${word}`);
  }
  return words.join(' ');
}

/** How long ago, or in how long: `just now`, `12 s ago`, `3 min ago`, `in 55 min`. */
export function relative(at: number, now: number): string {
  const distance = Math.abs(now - at);
  if (distance < 3 * SECOND) return 'just now';
  const [size, word] =
    distance < MINUTE ? [SECOND, 's'] as const
    : distance < HOUR ? [MINUTE, 'min'] as const
    : distance < 2 * DAY ? [HOUR, 'h'] as const
    : [DAY, 'days'] as const;
  const text = `${Math.floor(distance / size)}${NBSP}${word}`;
  return at > now ? `in ${text}` : `${text} ago`;
}

const absoluteFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const clockFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** `23 Nov 2026, 15:20:01`, in the reader's time zone. */
export const absolute = (at: number) => absoluteFormat.format(at);

const minuteFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
const yearFormat = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });

/** The days from one point in time to another, by the reader's calendar. */
function daysBetween(from: number, to: number): number {
  const midnight = (at: number) => new Date(at).setHours(0, 0, 0, 0);
  // A day in which clocks change is an hour shorter or longer.
  return Math.round((midnight(to) - midnight(from)) / DAY);
}

/**
 * A point in time as people plan with it, in the reader's time zone: `10:00`, `tomorrow 10:00`, `Wed 25 Nov, 10:00`; with
 * the year where that is another one.
 */
export function when(at: number, now: number): string {
  const time = minuteFormat.format(at);
  const days = daysBetween(now, at);
  if (days === 0) return time;
  if (days === 1) return `tomorrow ${time}`;
  if (days === -1) return `yesterday ${time}`;
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return `${(isThisYear ? dayFormat : yearFormat).format(at).replace(',', '')}, ${time}`;
}

/** `15:20:01`, in the reader's time zone. */
export const clock = (at: number) => clockFormat.format(at);

/** A point in time as a field of a form takes it, in the reader's time zone: `2026-11-23T15:20:01`. */
export function fieldTime(at: number): string {
  const local = new Date(at - new Date(at).getTimezoneOffset() * MINUTE);
  return local.toISOString().slice(0, 19);
}
