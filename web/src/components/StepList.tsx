import {
  type Icon, IconCheck, IconCircleDashed, IconCopy, IconEye, IconHourglass, IconLink, IconLock, IconPlayerPause, IconPlayerStop,
  IconProgress, IconTrendingUp, IconUserQuestion, IconUsers, IconWebhook, IconX,
} from '@tabler/icons-react';
import type { PhaseName, PolicySpec, ReleaseStatus, StepStatus } from '../api/resources';
import { tied } from '../format/number';
import { asks, progress, type Work, work, WORKS } from '../format/step';
import classes from './StepList.module.css';

const STATES = {
  done: { label: 'Done', Icon: IconCheck },
  current: { label: 'Now', Icon: IconProgress },
  ahead: { label: 'Ahead', Icon: IconCircleDashed },
  skipped: { label: 'Not reached', Icon: IconX },
};

const WORK_ICONS: Record<Work, Icon> = {
  expose: IconUsers,
  ramp: IconTrendingUp,
  shadow: IconCopy,
  watch: IconEye,
  approval: IconUserQuestion,
  webhook: IconWebhook,
  waitFor: IconLink,
  pointOfNoReturn: IconLock,
};

/** What the step is called that a release stands in, by phase; none for one that it ended in. */
const STANDS: Partial<Record<PhaseName, { label: string; Icon: Icon }>> = {
  Progressing: STATES.current,
  Paused: { label: 'Paused', Icon: IconPlayerPause },
  Waiting: { label: 'Waits', Icon: IconHourglass },
  AwaitingApproval: { label: 'Waits', Icon: IconUserQuestion },
};

/** The step that it was taken back from, or that it ended in. */
const ENDED = { label: 'Ended here', Icon: IconPlayerStop };

function Step({ step, status: { phase, gate }, policy }: { step: StepStatus; status: ReleaseStatus; policy: PolicySpec | undefined }) {
  const stands = step.state === 'current' ? STANDS[phase] : undefined;
  const { label, Icon: StateIcon } = step.state === 'current' ? (stands ?? ENDED) : STATES[step.state];
  const does = work(step, policy);
  const WorkIcon = WORK_ICONS[does];
  const tone = stands ? classes.current : step.state === 'current' ? classes.ended : (classes[step.state] ?? '');
  const asked = asks(step);
  return (
    <li className={`${classes.step} ${tone}`} aria-current={stands ? 'step' : undefined}>
      <div className={classes.head}>
        <span className={classes.name}>
          <WorkIcon size={15} aria-hidden />
          {step.name}
        </span>
        <span className={classes.state}>
          <StateIcon size={14} aria-hidden />
          {label}
        </span>
      </div>
      {WORKS[does] && <div className={classes.work}>{WORKS[does]}</div>}
      <div className={classes.audience}>{does === 'watch' ? 'nobody is steered' : tied(step.audience)}</div>
      {stands ? (
        progress(step, gate).map(({ text, done }) => (
          <div key={text.replace(/[\d,.]+/g, '')} className={classes.hold}>
            <span className={`${classes.dim} number`}>{text}</span>
            {done !== undefined && (
              <div className={classes.track} aria-hidden>
                <div className={classes.fill} style={{ width: `${done * 100}%` }} />
              </div>
            )}
          </div>
        ))
      ) : (
        asked && <div className={`${classes.asks} ${classes.dim}`}>{asked}</div>
      )}
    </li>
  );
}

/** The steps of a release, in order; on a phone below each other. */
export function StepList({ status, policy }: { status: ReleaseStatus; policy: PolicySpec | undefined }) {
  return (
    <ol className={classes.list}>
      {status.steps.map((step) => (
        <Step key={step.name} step={step} status={status} policy={policy} />
      ))}
    </ol>
  );
}
