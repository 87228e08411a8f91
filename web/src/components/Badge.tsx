import {
  type Icon, IconAlertTriangle, IconArrowBackUp, IconArrowsExchange, IconCheck, IconClock, IconHourglass, IconPlayerPause,
  IconProgress, IconUserQuestion, IconX,
} from '@tabler/icons-react';
import type { PhaseName, VersionRole } from '../api/resources';
import { PHASES, ROLES } from '../format/phase';
import classes from './Badge.module.css';

const PHASE_ICONS: Record<PhaseName, Icon> = {
  Pending: IconClock,
  Waiting: IconHourglass,
  AwaitingApproval: IconUserQuestion,
  Progressing: IconProgress,
  Paused: IconPlayerPause,
  Promoting: IconProgress,
  Succeeded: IconCheck,
  RollingBack: IconArrowBackUp,
  RolledBack: IconArrowBackUp,
  Aborted: IconX,
  Superseded: IconArrowsExchange,
  Failed: IconAlertTriangle,
};

/** A release's phase: an icon and a word in its tone. */
export function PhaseBadge({ phase }: { phase: PhaseName }) {
  const { label, tone } = PHASES[phase];
  const PhaseIcon = PHASE_ICONS[phase];
  return (
    <span className={`${classes.badge} ${classes[tone]}`}>
      <PhaseIcon size={14} stroke={2.2} aria-hidden />
      {label}
    </span>
  );
}

/** The mark of a version's role: a square for stable, a disc for the candidate, hollow for those that nobody meets. */
export function RoleMark({ role }: { role: VersionRole }) {
  return <span className={`${classes.mark} ${role === 'stable' ? '' : classes[role]}`} aria-hidden />;
}

/** A version's role: its mark and its word. */
export function RoleBadge({ role }: { role: VersionRole }) {
  return (
    <span className={classes.role} title={ROLES[role].meaning}>
      <RoleMark role={role} />
      {ROLES[role].label}
    </span>
  );
}
