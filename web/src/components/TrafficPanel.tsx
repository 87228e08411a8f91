import { SegmentedControl, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { trafficQuery } from '../api/queries';
import type { Traffic, VersionRole } from '../api/resources';
import { FAILED_SECS, HISTORY_MILLIS, knownUntil, latest, type Quantile, type Sample, series } from '../api/traffic';
import { useNow } from '../clock';
import type { Mark } from '../format/marks';
import { millis, orNone, perSecond, ratio } from '../format/number';
import { absolute } from '../format/time';
import { RoleMark } from './Badge';
import { Chart, type Line } from './Chart';
import { Panel } from './Panel';
import { Loaded } from './Trouble';
import classes from './TrafficPanel.module.css';

/** Shorter stretches of time than this look empty. */
const WINDOW_MIN_MILLIS = 60_000;
/** How much of the time before and after what people look at is drawn too. */
const MARGIN_MILLIS = 30_000;
/** Over how many seconds the table sums up: long enough for a small share to have a few requests. */
const NOW_SECS = 10;

/** A version whose traffic is shown. */
export interface Shown {
  name: string;
  role: VersionRole;
}

interface Props {
  environment: string;
  service: string;
  versions: Shown[];
  marks?: Mark[];
  /** From when on people look at it, in milliseconds since 1970; the whole known past when absent. */
  since?: number;
  /** Until when; now when absent. */
  until?: number;
}

const MEASURES: { label: string; value: (sample: Sample) => string }[] = [
  { label: 'Requests', value: ({ perSecond: rate }) => perSecond(rate) },
  { label: 'Failed', value: ({ failedShare }) => orNone(failedShare, ratio) },
  { label: 'p50', value: ({ p50 }) => orNone(p50, millis) },
  { label: 'p95', value: ({ p95 }) => orNone(p95, millis) },
  { label: 'p99', value: ({ p99 }) => orNone(p99, millis) },
];

function NowTable({ traffic, versions, now }: { traffic: Traffic; versions: Shown[]; now: number }) {
  return (
    <table className={classes.table}>
      <caption>The last {NOW_SECS} seconds</caption>
      <thead>
        <tr>
          <th scope="col">Version</th>
          {MEASURES.map(({ label }) => (
            <th key={label} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {versions.map(({ name, role }) => {
          const sample = latest(traffic, name, NOW_SECS, now);
          return (
            <tr key={name}>
              <th scope="row">
                <span className={classes.head}>
                  <RoleMark role={role} />
                  {name}
                </span>
              </th>
              {MEASURES.map(({ label, value }) => (
                <td key={label}>{value(sample)}</td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The stretch of time to draw: what is known, within what is asked for. */
function windowOf(traffic: Traffic, versions: Shown[], now: number, since?: number, until?: number): [number, number] {
  const to = Math.min((until ?? Infinity) + MARGIN_MILLIS, now);
  const firsts = versions.map(({ name }) => traffic.versions[name]?.points[0]?.at).filter((at) => at !== undefined);
  const known = firsts.length > 0 ? Math.min(...firsts.map((at) => Date.parse(at))) : to;
  const from = Math.max((since ?? 0) - MARGIN_MILLIS, known, to - HISTORY_MILLIS);
  return [Math.min(from, to - WINDOW_MIN_MILLIS), to];
}

type ChartsProps = Omit<Props, 'environment' | 'service'> & { traffic: Traffic; now: number };

function Charts({ traffic, versions, now, marks = [], since, until }: ChartsProps) {
  const [quantile, setQuantile] = useState<Quantile>('p95');
  const drawn = useMemo(() => {
    const [from, to] = windowOf(traffic, versions, now, since, until);
    const { times, samples } = series(traffic, versions.map(({ name }) => name), from, to);
    const lines = (value: (sample: Sample) => number | null): Line[] =>
      versions.map(({ name, role }) => ({ name, role, values: (samples[name] ?? []).map(value) }));
    return {
      times,
      range: [from / 1000, to / 1000] as [number, number],
      requests: lines((sample) => sample.perSecond),
      failed: lines((sample) => sample.failedShare),
      latency: lines((sample) => sample[quantile]),
    };
  }, [traffic, versions, now, since, until, quantile]);
  const shared = { times: drawn.times, range: drawn.range, marks };
  return (
    <div className={classes.charts}>
      <Chart {...shared} title="Requests per second" lines={drawn.requests} format={perSecond} top={1} />
      <Chart {...shared} title={`Failed requests, over ${FAILED_SECS} seconds`} lines={drawn.failed} format={ratio} top={0.01} />
      <Chart
        {...shared}
        title="Latency"
        lines={drawn.latency}
        format={millis}
        top={10}
        control={
          <SegmentedControl
            size="xs"
            aria-label="Which latency"
            value={quantile}
            onChange={(value) => setQuantile(value as Quantile)}
            data={['p50', 'p95', 'p99']}
          />
        }
      />
      <Text fz="xs" c="dimmed">
        Each point of the latency is the average of single seconds, weighted by their requests.
      </Text>
    </div>
  );
}

/** What the gateway counted of some versions, side by side: the last seconds as a table, and the past as charts. */
export function TrafficPanel({ environment, service, ...props }: Props) {
  const query = useQuery(trafficQuery(environment, service));
  const clock = useNow();
  return (
    <Panel title="Traffic">
      <Loaded query={query}>
        {(traffic) => {
          const now = knownUntil(traffic, clock);
          const isOver = props.until !== undefined && props.until < now - HISTORY_MILLIS;
          if (isOver) {
            return (
              <Text fz="sm" c="dimmed">
                Traffic is kept for ten minutes, and this ended on {absolute(props.until ?? 0)}.
              </Text>
            );
          }
          const isQuiet = props.versions.every(({ name }) => !traffic.versions[name]?.points.length);
          if (isQuiet) {
            return (
              <Text fz="sm" c="dimmed">
                No request has come in the last ten minutes.
              </Text>
            );
          }
          return (
            <>
              {props.until === undefined && <NowTable traffic={traffic} versions={props.versions} now={now} />}
              <Charts traffic={traffic} now={now} {...props} />
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
}
