import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { setActor, useActor } from '../actor';
import { useAct } from '../api/queries';
import type { Release, Verb } from '../api/resources';
import { consequence, takesBack } from '../format/consequence';
import { GATE_VERBS, PHASES, VERBS } from '../format/phase';
import { notify } from '../notify';
import { ActorInput } from './ActorInput';
import { Dialog, showFirstError } from './Dialog';
import { ProblemAlert } from './Trouble';
import classes from './VerbButtons.module.css';

/** What is asked beside a verb. */
function question(verb: Verb): { label: string; description: string } {
  if (verb === 'approve') return { label: 'Comment', description: 'If you like: one sentence for whoever reads the log later.' };
  if (verb === 'override') return { label: 'Why must it go ahead?', description: 'Needed. It is logged with your name, for good.' };
  return { label: 'Why?', description: 'One sentence for whoever reads the log later.' };
}

interface Props {
  release: Release;
  verb: Verb;
  onClose: () => void;
}

function VerbForm({ release, verb, onClose }: Props) {
  const { status } = release;
  const act = useAct(release);
  const remembered = useActor();
  const [name, setName] = useState(remembered);
  const [reason, setReason] = useState('');
  const [isTried, setTried] = useState(false);
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const [openedAt] = useState(status.step);
  const { label, past, done } = VERBS[verb];
  const isSettled = !act.isPending && !act.isError;
  const isRefused = isSettled && !status.verbs.includes(verb);
  // What is said at one gate is not meant for the next.
  const isElsewhere = isSettled && GATE_VERBS.includes(verb) && status.step !== openedAt;
  const lacksReason = verb === 'override' && reason.trim() === '';
  const lacksName = GATE_VERBS.includes(verb) && name.trim() === '';
  const submit = (form: HTMLFormElement) => {
    setTried(true);
    if (lacksReason || lacksName) return showFirstError(form);
    setActor(name);
    act.mutate(
      { verb, reason: reason.trim(), idempotencyKey },
      {
        onSuccess: () => {
          notify(`${past}: ${release.metadata.name}`);
          onClose();
        },
      },
    );
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      <Stack gap="md">
        <Text fz="sm">
          {isRefused ? `The release is ${PHASES[status.phase].label} now, and cannot ${done}.`
            : isElsewhere ? `The release has gone on to step ${status.step} meanwhile. Close this and look again.`
            : consequence(verb, status)}
        </Text>
        <Textarea
          {...question(verb)}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={500}
          required={verb === 'override'}
          withAsterisk={false}
          error={isTried && lacksReason && 'Say why, in a sentence.'}
          data-autofocus
        />
        <ActorInput value={name} onChange={setName} error={isTried && lacksName && 'Say who you are: it counts whose word it is.'} />
        {act.isError && <ProblemAlert error={act.error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" className={takesBack(verb) ? classes.danger : undefined} loading={act.isPending} disabled={isRefused || isElsewhere}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Confirms a verb, after saying what it would do. */
export function VerbDialog({ release, verb, onClose }: Omit<Props, 'verb'> & { verb: Verb | undefined }) {
  const what = `the release of ${release.spec.service} ${release.status.to}`;
  const title = verb === 'override' ? `Go ahead anyway with ${what}?` : verb && `${VERBS[verb].label} ${what}?`;
  return (
    <Dialog isOpen={verb !== undefined} onClose={onClose} title={title}>
      {verb && <VerbForm release={release} verb={verb} onClose={onClose} />}
    </Dialog>
  );
}
