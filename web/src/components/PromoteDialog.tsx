import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { setActor, useActor } from '../actor';
import { serviceQuery, useHandOn } from '../api/queries';
import { environmentOf, releaseAddress } from '../api/resources';
import type { Offer } from '../format/standing';
import { notify } from '../notify';
import { ActorInput } from './ActorInput';
import { Dialog, showFirstError } from './Dialog';
import { useGoAhead } from './GoAhead';
import { SchedulePreview } from './SchedulePreview';
import { Loaded, ProblemAlert } from './Trouble';

/** A version that is to be handed on. */
export interface Handover extends Offer {
  service: string;
  /** The environment that takes it over. */
  to: string;
}

interface Props {
  handover: Handover;
  onClose: () => void;
}

interface FormProps extends Props {
  /** Whether the version was announced where it is to go. */
  isKnown: boolean;
}

function PromoteForm({ handover: { service, version, from, to }, isKnown, onClose }: FormProps) {
  const handOn = useHandOn(service);
  const [, navigate] = useLocation();
  const remembered = useActor();
  const [name, setName] = useState(remembered);
  const [actor] = useDebouncedValue(name, 400);
  const [addresses, setAddresses] = useState('');
  const [isTried, setTried] = useState(false);
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const prospect = { service, version, environment: to, actor };
  const goAhead = useGoAhead(prospect);
  const endpoints = addresses.split(/[\s,]+/).filter(Boolean);
  const lacksAddress = !isKnown && endpoints.length === 0;
  const submit = (form: HTMLFormElement) => {
    setTried(true);
    if (!goAhead.check() || lacksAddress) return showFirstError(form);
    setActor(name);
    handOn.mutate(
      { version, to, idempotencyKey, ...(!isKnown && { endpoints }), ...goAhead.request },
      {
        onSuccess: (release) => {
          notify(`Started: ${release.metadata.name}`);
          onClose();
          navigate(releaseAddress(environmentOf(release), release.metadata.name));
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
          {version} is live in {from}. Its release in {to} starts, as the rules of {to} say.
        </Text>
        {isKnown ? (
          <SchedulePreview prospect={prospect} isOverridden={goAhead.isChosen} />
        ) : (
          <Textarea
            label={`Where ${version} runs in ${to}`}
            description={`Its addresses, one a line. It was not announced there, as its pipeline mostly does: whoever deployed it knows.`}
            placeholder="http://10.0.0.7:9001"
            value={addresses}
            onChange={(event) => setAddresses(event.currentTarget.value)}
            autosize
            minRows={1}
            maxRows={5}
            required
            withAsterisk={false}
            error={isTried && lacksAddress && 'Say at least one address.'}
          />
        )}
        {goAhead.field}
        <ActorInput value={name} onChange={setName} />
        {handOn.isError && <ProblemAlert error={handOn.error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={handOn.isPending}>
            Promote to {to}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Inside({ handover, onClose }: Props) {
  const service = useQuery(serviceQuery(handover.to, handover.service));
  return (
    <Loaded query={service}>
      {({ status }) => (
        <PromoteForm handover={handover} isKnown={status.versions.some(({ name }) => name === handover.version)} onClose={onClose} />
      )}
    </Loaded>
  );
}

/** Hands a version on to the next environment, after showing what will happen there. */
export function PromoteDialog({ handover, onClose }: { handover: Handover | undefined; onClose: () => void }) {
  const title = handover && `Promote ${handover.service} ${handover.version} to ${handover.to}?`;
  return (
    <Dialog isOpen={handover !== undefined} onClose={onClose} title={title} size="lg">
      {handover && <Inside handover={handover} onClose={onClose} />}
    </Dialog>
  );
}
