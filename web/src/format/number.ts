// Numbers as people read them. A no-break space stands between a number and its unit.

const NBSP = '\u00a0';
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

const digits = (value: number, most: number) =>
  new Intl.NumberFormat('en-US', { maximumFractionDigits: most }).format(value);

/** `12,840`. */
export const count = (value: number) => whole.format(value);

/** Parts per 100 000 as the core writes them: `12.5 %`. */
export const share = (parts: number) => `${digits(parts / 1000, 3)}${NBSP}%`;

/** A fraction of one as a percentage: `0.24 %`, `3.1 %`, `40 %`. */
export function ratio(fraction: number): string {
  const percent = fraction * 100;
  if (percent > 0 && percent < 0.01) return `<${NBSP}0.01${NBSP}%`;
  return `${digits(percent, percent < 1 ? 2 : percent < 10 ? 1 : 0)}${NBSP}%`;
}

/** Milliseconds: `0.8 ms`, `84 ms`, `1.25 s`. */
export function millis(value: number): string {
  if (value >= 1000) return `${digits(value / 1000, 2)}${NBSP}s`;
  return `${digits(value, value < 10 ? 1 : 0)}${NBSP}ms`;
}

/** Per second: `0.4/s`, `210/s`. */
export const perSecond = (value: number) => `${digits(value, value < 10 ? 1 : 0)}/s`;

/** A sentence from the API, in which no line may break between a number and its `%`. */
export const tied = (sentence: string) => sentence.replace(/(\d) %/g, `$1${NBSP}%`);

/** What stands where there is no value. */
export const NONE = '–';

/** A value that may be missing. */
export const orNone = (value: number | null | undefined, format: (value: number) => string) =>
  value === null || value === undefined ? NONE : format(value);
