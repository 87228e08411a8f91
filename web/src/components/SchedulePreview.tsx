import { Skeleton, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type Prospect, scheduleQuery } from '../api/queries';
import type { Schedule } from '../api/resources';
import { useNow } from '../clock';
import { tied } from '../format/number';
import { ended, sentence } from '../format/sentence';
import { length, parseSpan, when } from '../format/time';
import classes from './SchedulePreview.module.css';
import { ProblemAlert } from './Trouble';

type Step = Schedule['steps'][number];

/** When something begins, or that nobody can tell. */
function Begins({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return <span className={classes.when}>then</span>;
  return (
    <time className={classes.when} dateTime={at}>
      {when(Date.parse(at), now)}
    </time>
  );
}

/** A step; of a gate the words for the audience say what it waits for. */
function Row({ step }: { step: Step }) {
  const isGate = step.kind !== 'expose' && step.kind !== 'ramp';
  return (
    <li>
      <Begins at={step.beginsAt} />
      <div>
        <strong>{tied(step.audience)}</strong>
        {!isGate && step.waitsFor !== 'nothing' && ` · waits for ${tied(step.waitsFor)}`}
        {step.heldUp && <div className={classes.held}>Not before: {ended(tied(step.heldUp))}</div>}
        {step.undecided && !isGate && <div className={classes.held}>{sentence(tied(step.undecided))}</div>}
      </div>
    </li>
  );
}

function Whole({ schedule, version }: { schedule: Schedule; version: string }) {
  return (
    <section className={classes.preview} aria-label="What will happen">
      <Text fz="sm" fw={600} mb={6}>
        What will happen, at the earliest
        <Text span c="dimmed" fz="sm" fw={400}>
          {' '}
          · policy {schedule.policy}
        </Text>
      </Text>
      <ol className={classes.steps}>
        {schedule.steps.map((step) => (
          <Row key={step.name} step={step} />
        ))}
        <li>
          <Begins at={schedule.endsAt} />
          <div>
            <strong>{version} is live for good</strong>
            {schedule.endsAt ? ` · the steps take ${length(parseSpan(schedule.takes))}` : ''}
          </div>
        </li>
      </ol>
      <Text fz="sm" mt={8}>
        {[schedule.onFail, schedule.afterwards].map((text) => sentence(tied(text))).join(' ')}
        {schedule.rate == null && ' How long requests take is not counted, because none are known of yet.'}
      </Text>
    </section>
  );
}

/** What would happen and when, as the control plane works it out; nothing is changed. */
export function SchedulePreview({ prospect, isOverridden }: { prospect: Omit<Prospect, 'isOverridden'>; isOverridden: boolean }) {
  const { data, error, isPending } = useQuery({
    ...scheduleQuery({ ...prospect, isOverridden }),
    enabled: prospect.version !== '',
    placeholderData: keepPreviousData,
  });
  if (isPending) return <Skeleton height={180} role="status" aria-busy aria-label="Working out the schedule" />;
  if (error || !data) return <ProblemAlert error={error} />;
  return <Whole schedule={data} version={prospect.version} />;
}
