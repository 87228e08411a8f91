import { IconAlertTriangle, IconCircleCheck, IconCircleX } from '@tabler/icons-react';
import type { VersionStatus } from '../api/resources';
import { health, readiness } from '../format/service';
import classes from './Readiness.module.css';

const ICONS = { good: IconCircleCheck, warn: IconAlertTriangle, bad: IconCircleX };

/** How many endpoints of a version are ready. */
export function Readiness({ version }: { version: VersionStatus }) {
  const state = health(version);
  const StateIcon = ICONS[state];
  return (
    <span className={classes.root}>
      <StateIcon size={16} color={`var(--${state})`} aria-hidden />
      {readiness(version)}
    </span>
  );
}
