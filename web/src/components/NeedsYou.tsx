import { Anchor } from '@mantine/core';
import { Link } from 'wouter';
import { environmentOf, type Release, releaseAddress } from '../api/resources';
import { useNow } from '../clock';
import { calledFor, wanted } from '../format/needs';
import { when } from '../format/time';
import { Ago } from './Ago';
import { PhaseBadge } from './Badge';
import classes from './NeedsYou.module.css';

/** The releases that go no further until a person says something. */
export function NeedsYou({ releases }: { releases: Release[] }) {
  const now = useNow();
  if (releases.length === 0) return null;
  return (
    <section className={classes.block} aria-labelledby="needs-you">
      <h2 id="needs-you" className={classes.title}>
        Needs you
      </h2>
      <ul className={classes.list}>
        {releases.map((release) => {
          const { spec, status, metadata } = release;
          const environment = environmentOf(release);
          const what = `${spec.service} ${status.to}`;
          return (
            <li key={`${environment}/${metadata.name}`} className={classes.item}>
              <span className={classes.what}>
                <Anchor component={Link} href={releaseAddress(environment, metadata.name)} fz="sm" fw={600} className="name">
                  {what}
                </Anchor>
                <span className={classes.dim}>{environment}</span>
              </span>
              <span>
                <PhaseBadge phase={status.phase} />
              </span>
              <span className={classes.why}>
                {wanted(release)}
                <span className={classes.dim}>
                  {status.gate ? ` until ${when(Date.parse(status.gate.expiresAt), now)}` : <> · since <Ago at={status.reason.at} /></>}
                </span>
              </span>
              <Anchor component={Link} href={releaseAddress(environment, metadata.name)} fz="sm" fw={600} aria-label={`${calledFor(release)}: ${what}`}>
                {calledFor(release)}
              </Anchor>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
