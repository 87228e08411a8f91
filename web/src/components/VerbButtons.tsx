import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import {
  type Icon, IconArrowBackUp, IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext, IconRefresh, IconX,
} from '@tabler/icons-react';
import { useState } from 'react';
import { setActor, useActor } from '../actor';
import { useAct } from '../api/queries';
import type { Release, Verb } from '../api/resources';
import { consequence, takesBack } from '../format/consequence';
import { PHASES, VERB_ORDER, VERBS } from '../format/phase';
import { notify } from '../notify';
import { ActorInput } from './ActorInput';
import { Dialog } from './Dialog';
import { ProblemAlert } from './Trouble';
import classes from './VerbButtons.module.css';

const ICONS: Record<Verb, Icon> = {
  promote: IconPlayerTrackNext,
  pause: IconPlayerPause,
  resume: IconPlayerPlay,
  abort: IconX,
  rollback: IconArrowBackUp,
  retry: IconRefresh,
};

interface DialogProps {
  release: Release;
  verb: Verb;
  onClose: () => void;
}

function VerbForm({ release, verb, onClose }: DialogProps) {
  const act = useAct(release);
  const remembered = useActor();
  const [name, setName] = useState(remembered);
  const [reason, setReason] = useState('');
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const { label, past } = VERBS[verb];
  const isRefused = !release.status.verbs.includes(verb) && !act.isPending && !act.isError;
  const submit = () => {
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
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack gap="md">
        <Text fz="sm">
          {isRefused ? `The release is ${PHASES[release.status.phase].label} now, and cannot be ${VERBS[verb].past.toLowerCase()}.` : consequence(verb, release.status)}
        </Text>
        <Textarea
          label="Why?"
          description="One sentence for whoever reads the log later."
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={500}
          data-autofocus
        />
        <ActorInput value={name} onChange={setName} />
        {act.isError && <ProblemAlert error={act.error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" className={takesBack(verb) ? classes.danger : undefined} loading={act.isPending} disabled={isRefused}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The verbs that would be accepted now, each with a confirmation. */
export function VerbButtons({ release }: { release: Release }) {
  const [open, setOpen] = useState<Verb>();
  const close = () => setOpen(undefined);
  const offered = VERB_ORDER.filter((verb) => release.status.verbs.includes(verb));
  return (
    <>
      {offered.length > 0 && (
        <div className={classes.buttons} role="group" aria-label="What can be done now">
          {offered.map((verb, i) => {
            const VerbIcon = ICONS[verb];
            return (
              <Button
                key={verb}
                variant={i === 0 && !takesBack(verb) ? 'filled' : 'default'}
                className={takesBack(verb) ? classes.dangerQuiet : undefined}
                leftSection={<VerbIcon size={16} aria-hidden />}
                onClick={() => setOpen(verb)}
              >
                {VERBS[verb].label}
              </Button>
            );
          })}
        </div>
      )}
      <Dialog
        isOpen={open !== undefined}
        onClose={close}
        title={open && `${VERBS[open].label} the release of ${release.spec.service} ${release.status.to}?`}
      >
        {open && <VerbForm release={release} verb={open} onClose={close} />}
      </Dialog>
    </>
  );
}
