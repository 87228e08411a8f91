import { useComputedColorScheme } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import type { VersionRole } from '../api/resources';
import type { Mark } from '../format/marks';
import { orNone } from '../format/number';
import { clock } from '../format/time';
import { RoleMark } from './Badge';
import classes from './Chart.module.css';

const HEIGHT = 132;

/** One line of a chart. */
export interface Line {
  name: string;
  role: VersionRole;
  values: (number | null)[];
}

interface Props {
  title: string;
  /** Beside the title. */
  control?: ReactNode;
  /** Seconds since 1970. */
  times: number[];
  /** What the horizontal axis covers, in seconds since 1970. */
  range: [number, number];
  lines: Line[];
  marks: Mark[];
  format: (value: number) => string;
  /** The least that the vertical axis reaches up to. */
  top: number;
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const isDrawnAsCandidate = (role: VersionRole) => role === 'candidate';

/** Marks as thin lines; a label where there is room for it. */
function drawMarks(plot: uPlot, marks: Mark[]) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px 'Inter Variable', sans-serif`;
  ctx.strokeStyle = colour('--line-strong');
  ctx.fillStyle = colour('--mantine-color-dimmed');
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  // Where there is room for one label only, the last thing that happened gets it.
  let free = bbox.left + bbox.width;
  for (const { at, label } of marks.toReversed()) {
    const x = Math.round(plot.valToPos(at, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const width = ctx.measureText(label).width;
    const gap = 4 * ratio;
    // At the right end, where things happen now, the label stands before its line.
    const left = x + gap + width > bbox.left + bbox.width ? x - gap - width : x + gap;
    if (left + width > free || left < bbox.left) continue;
    ctx.fillText(label, left, bbox.top + ratio);
    free = Math.min(x, left) - gap;
  }
  ctx.restore();
}

function optionsOf(lines: Line[], latest: { current: Props }, onCursor: (index: number | null) => void): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: colour('--mantine-color-dimmed'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: "11px 'Inter Variable', sans-serif",
  };
  return {
    width: 300,
    height: HEIGHT,
    padding: [6, 6, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'traffic' }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true, range: () => latest.current.range },
      y: { range: (_, __, max) => [0, Math.max(latest.current.top, (max ?? 0) * 1.18)] },
    },
    axes: [
      { ...axis, size: 24, space: (_plot, _axis, _min, _max, width) => (width > 500 ? 100 : 64), values: (_, splits) => splits.map((secs) => clock(secs * 1000)) },
      { ...axis, size: 58, space: 34, values: (_, splits) => splits.map((value) => latest.current.format(value)) },
    ],
    series: [
      {},
      ...lines.map(({ name, role }) => ({
        label: name,
        stroke: colour(isDrawnAsCandidate(role) ? '--candidate' : '--stable'),
        width: isDrawnAsCandidate(role) ? 2 : 1.5,
        ...(isDrawnAsCandidate(role) ? {} : { dash: [5, 3] }),
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: {
      draw: [(plot) => drawMarks(plot, latest.current.marks)],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
    },
  };
}

/** Lines over time, stable dashed and the candidate whole; the values under the pointer stand above. */
export function Chart(props: Props) {
  const { title, control, times, range, lines, format, marks } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  const [index, setIndex] = useState<number | null>(null);
  const scheme = useComputedColorScheme('light');
  const shape = lines.map(({ name, role }) => `${name} ${role}`).join('\n');

  useEffect(() => {
    latest.current = props;
  });

  // A new plot for other lines or colours; `shape` stands for the lines, whose values come below.
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const made = new uPlot(optionsOf(latest.current.lines, latest, setIndex), [[]], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, scheme]);

  useEffect(() => {
    plot.current?.setData([times, ...lines.map(({ values }) => values)] as uPlot.AlignedData);
  }, [times, lines, range, marks, shape, scheme]);

  const shown = lines.map(({ name, role, values }) => ({ name, role, text: orNone(values.at(index ?? -1), format) }));
  return (
    <figure className={classes.figure}>
      <figcaption className={classes.head}>
        <span className={classes.title}>
          {title}
          {control}
        </span>
        <span className={classes.legend} aria-hidden>
          {index !== null && times[index] !== undefined && <span className="number">{clock(times[index] * 1000)}</span>}
          {shown.map(({ name, role, text }) => (
            <span key={name} className={classes.value}>
              <RoleMark role={role} />
              {name} <b className="number">{text}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div
        ref={place}
        className={classes.plot}
        role="img"
        aria-label={`${title}, as a chart. Last: ${shown.map(({ name, text }) => `${name} ${text}`).join(', ')}.`}
      />
    </figure>
  );
}
