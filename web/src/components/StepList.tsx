import { IconCheck, IconCircleDashed, IconPlayerPause, IconProgress, IconX } from '@tabler/icons-react';
import type { StepStatus } from '../api/resources';
import { asks, progress } from '../format/step';
import classes from './StepList.module.css';

const STATES = {
  done: { label: 'Done', Icon: IconCheck },
  current: { label: 'Now', Icon: IconProgress },
  ahead: { label: 'Ahead', Icon: IconCircleDashed },
  skipped: { label: 'Not reached', Icon: IconX },
};

interface Props {
  steps: StepStatus[];
  isPaused: boolean;
}

function Step({ step, isPaused }: { step: StepStatus; isPaused: boolean }) {
  const isCurrent = step.state === 'current';
  const { label, Icon } = isCurrent && isPaused ? { label: 'Paused', Icon: IconPlayerPause } : STATES[step.state];
  return (
    <li className={`${classes.step} ${classes[step.state] ?? ''}`} aria-current={isCurrent ? 'step' : undefined}>
      <div className={classes.head}>
        <span className={classes.name}>{step.name}</span>
        <span className={classes.state}>
          <Icon size={14} aria-hidden />
          {label}
        </span>
      </div>
      <div>{step.audience}</div>
      {isCurrent ? (
        progress(step).map(({ text, done }) => (
          <div key={text.replace(/[\d,.]+/g, '')} className={classes.hold}>
            <span className={classes.dim}>{text}</span>
            {done !== undefined && (
              <div className={classes.track} aria-hidden>
                <div className={classes.fill} style={{ width: `${done * 100}%` }} />
              </div>
            )}
          </div>
        ))
      ) : (
        <div className={classes.dim}>{asks(step)}</div>
      )}
    </li>
  );
}

/** The steps of a release, in order; on a phone below each other. */
export function StepList({ steps, isPaused }: Props) {
  return (
    <ol className={classes.list}>
      {steps.map((step) => (
        <Step key={step.name} step={step} isPaused={isPaused} />
      ))}
    </ol>
  );
}
