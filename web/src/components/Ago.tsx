import { useNow } from '../clock';
import { absolute, clock, relative } from '../format/time';

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
