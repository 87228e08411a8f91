import { Skeleton } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconAlertTriangle } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { forecastQuery, type Prospect } from '../api/queries';
import { ProblemError } from '../api/problem';
import type { Forecast, StepForecast } from '../api/resources';
import { basis, facts, sayings, type Stretch, stretches, warnings } from '../format/forecast';
import { tied } from '../format/number';
import { ended, sentence } from '../format/sentence';
import { length, parseSpan } from '../format/time';
import classes from './ForecastPreview.module.css';

const percent = (place: number) => `${place * 100}%`;

function Step({ step, stretch }: { step: StepForecast; stretch: Stretch }) {
  const known = facts(step);
  return (
    <li>
      <div className={classes.name}>
        <strong>{step.name}</strong>
        <span className={classes.dim}>{tied(step.audience)}</span>
      </div>
      {known.length > 0 && (
        <div className={classes.line} aria-hidden>
          <div className={classes.stretch} style={{ left: percent(stretch.begin), width: percent(stretch.end - stretch.begin) }} />
          {stretch.found !== undefined && <div className={classes.found} style={{ left: percent(stretch.found) }} />}
        </div>
      )}
      {known.length > 0 && (
        <dl className={classes.facts}>
          {known.map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {step.findsAfter && (
        <div className={classes.dim}>A bad version is found after about {length(parseSpan(step.findsAfter))}, if it first shows here.</div>
      )}
      {step.undecided && <div className={classes.dim}>{sentence(tied(step.undecided))}</div>}
    </li>
  );
}

function Whole({ forecast }: { forecast: Forecast }) {
  const id = useId();
  const isPhone = useMediaQuery('(max-width: 40em)', undefined, { getInitialValueInEffect: false });
  const places = stretches(forecast.steps);
  const doubts = warnings(forecast);
  return (
    <section className={classes.forecast} aria-labelledby={id}>
      <h3 id={id} className={classes.title}>
        What a bad version would do
      </h3>
      <ul className={classes.words}>
        {sayings(forecast).map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      {doubts.length > 0 && (
        <ul className={classes.warnings} aria-label="Checks that can never decide">
          {doubts.map((text) => (
            <li key={text}>
              <IconAlertTriangle size={16} aria-hidden />
              <span>{text}</span>
            </li>
          ))}
        </ul>
      )}
      <details className={classes.details} open={!isPhone}>
        <summary>Step by step</summary>
        <ol className={classes.steps}>
          {forecast.steps.map((step, i) => {
            const stretch = places[i];
            return stretch && <Step key={step.name} step={step} stretch={stretch} />;
          })}
        </ol>
        <div className={classes.dim}>{basis(forecast)} A red mark stands where it is found.</div>
      </details>
    </section>
  );
}

/** What a release would be able to see before it harms many, as the control plane works it out; nothing is changed. */
export function ForecastPreview({ prospect }: { prospect: Omit<Prospect, 'isOverridden'> }) {
  const { data, error, isPending } = useQuery({
    ...forecastQuery(prospect),
    enabled: prospect.version !== '',
    placeholderData: keepPreviousData,
  });
  if (data) return <Whole forecast={data} />;
  if (isPending) return <Skeleton height={140} role="status" aria-busy aria-label="Working out what would be seen" />;
  const why = error instanceof ProblemError ? ended(error.detail) : '';
  return <div className={classes.dim}>What a bad version would do cannot be foretold. {why}</div>;
}
