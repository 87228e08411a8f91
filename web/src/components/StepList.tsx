import { IconCheck, IconCircleDashed, IconPlayerPause, IconPlayerStop, IconProgress, IconX } from '@tabler/icons-react';
import type { PhaseName, StepStatus } from '../api/resources';
import { tied } from '../format/number';
import { asks, progress } from '../format/step';
import classes from './StepList.module.css';

const STATES = {
  done: { label: 'Done', Icon: IconCheck },
  current: { label: 'Now', Icon: IconProgress },
  ahead: { label: 'Ahead', Icon: IconCircleDashed },
  skipped: { label: 'Not reached', Icon: IconX },
};

/** What the step is called that a release stands in, by phase. */
function current(phase: PhaseName) {
  if (phase === 'Paused') return { label: 'Paused', Icon: IconPlayerPause };
  // The step that it was taken back from, or that it ended in.
  if (phase !== 'Progressing') return { label: 'Ended here', Icon: IconPlayerStop };
  return STATES.current;
}

function Step({ step, phase }: { step: StepStatus; phase: PhaseName }) {
  const isCurrent = step.state === 'current' && (phase === 'Progressing' || phase === 'Paused');
  const { label, Icon } = step.state === 'current' ? current(phase) : STATES[step.state];
  return (
    <li className={`${classes.step} ${isCurrent ? classes.current : step.state === 'current' ? classes.ended : classes[step.state] ?? ''}`} aria-current={isCurrent ? 'step' : undefined}>
      <div className={classes.head}>
        <span className={classes.name}>{step.name}</span>
        <span className={classes.state}>
          <Icon size={14} aria-hidden />
          {label}
        </span>
      </div>
      <div className={classes.audience}>{tied(step.audience)}</div>
      {isCurrent ? (
        progress(step).map(({ text, done }) => (
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
        <div className={`${classes.asks} ${classes.dim}`}>{asks(step)}</div>
      )}
    </li>
  );
}

/** The steps of a release, in order; on a phone below each other. */
export function StepList({ steps, phase }: { steps: StepStatus[]; phase: PhaseName }) {
  return (
    <ol className={classes.list}>
      {steps.map((step) => (
        <Step key={step.name} step={step} phase={phase} />
      ))}
    </ol>
  );
}
