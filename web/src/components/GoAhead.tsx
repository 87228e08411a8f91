import { Checkbox, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ProblemError } from '../api/problem';
import { type Prospect, scheduleQuery, standingQuery } from '../api/queries';
import { useNow } from '../clock';
import { type Closure, closure, opens } from '../format/calendar';
import classes from './GoAhead.module.css';

interface FieldProps {
  environment: string;
  /** Why the calendar is closed, if it is. */
  closed: Closure | undefined;
  isChosen: boolean;
  onChoose: (isChosen: boolean) => void;
  reason: string;
  onReason: (reason: string) => void;
  error: string | false;
}

/** Says what speaks against a release now, and offers to go ahead anyway, with a reason. */
function Field({ environment, closed, isChosen, onChoose, reason, onReason, error }: FieldProps) {
  const now = useNow();
  return (
    <Stack gap="sm" className={classes.box}>
      <Text fz="sm">
        {closed ? (
          <>
            <strong>{environment} is closed.</strong> {closed.why}. {opens(closed, now)}. Until then the release waits, and nobody meets the new version.
          </>
        ) : (
          `The rules of ${environment} speak against this release.`
        )}
      </Text>
      <Checkbox
        label="Go ahead anyway"
        description={`In spite of windows, freezes and the order of environments. Who may is for ${environment} to say.`}
        checked={isChosen}
        onChange={(event) => onChoose(event.currentTarget.checked)}
      />
      {isChosen && (
        <Textarea
          label="Why must it go ahead?"
          description="Needed. It is logged with your name, for good."
          value={reason}
          onChange={(event) => onReason(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={500}
          required
          withAsterisk={false}
          error={error}
        />
      )}
    </Stack>
  );
}

interface GoAhead {
  /** What asks for it; nothing while nothing speaks against the release. */
  field: ReactNode;
  isChosen: boolean;
  /** What goes into the request. */
  request: { override?: string };
  /** Whether all that is needed was said; shows what is missing otherwise. */
  check: () => boolean;
}

/** Going ahead with a release that the calendar or the order of environments speaks against. */
export function useGoAhead(prospect: Omit<Prospect, 'isOverridden'>): GoAhead {
  const environment = prospect.environment ?? '';
  const place = useQuery(standingQuery).data?.environments.find(({ name }) => name === environment);
  const { error } = useQuery({ ...scheduleQuery({ ...prospect, isOverridden: false }), enabled: prospect.version !== '' });
  const [wasChosen, setChosen] = useState(false);
  const [reason, setReason] = useState('');
  const [isTried, setTried] = useState(false);
  const closed = place && closure(place);
  const isRefused = error instanceof ProblemError && error.code === 'release-refused';
  const isNeeded = closed !== undefined || isRefused;
  const isChosen = isNeeded && wasChosen;
  const lacksReason = isChosen && reason.trim() === '';
  return {
    field: isNeeded && (
      <Field
        environment={environment}
        closed={closed}
        isChosen={isChosen}
        onChoose={setChosen}
        reason={reason}
        onReason={setReason}
        error={isTried && lacksReason && 'Say why, in a sentence.'}
      />
    ),
    isChosen,
    request: isChosen ? { override: reason.trim() } : {},
    check: () => {
      setTried(true);
      return !lacksReason;
    },
  };
}
