import { Button, Group, Radio, Select, Stack, Text, Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { setActor, useActor } from '../actor';
import { policiesQuery, useStart } from '../api/queries';
import { environmentOf, releaseAddress, type Service } from '../api/resources';
import { readiness, releasable } from '../format/service';
import { newest } from '../format/standing';
import { notify } from '../notify';
import { ActorInput } from './ActorInput';
import { Dialog, showFirstError } from './Dialog';
import { ForecastPreview } from './ForecastPreview';
import { useGoAhead } from './GoAhead';
import { SchedulePreview } from './SchedulePreview';
import { ProblemAlert } from './Trouble';

/** Stands for "the environment chooses", which is what a request without a policy means. */
const CHOSEN = '';

interface Props {
  service: Service;
  /** The version that is chosen at first. */
  version?: string;
  onClose: () => void;
}

/** Chooses version and policy, shows what will happen, and starts the release. */
export function StartForm({ service, version: first, onClose }: Props) {
  const policies = useQuery(policiesQuery);
  const start = useStart();
  const [, navigate] = useLocation();
  const remembered = useActor();
  const [name, setName] = useState(remembered);
  const [actor] = useDebouncedValue(name, 400);
  const choices = releasable(service);
  const [version, setVersion] = useState(first ?? newest(choices.map((choice) => choice.name)) ?? '');
  const [policy, setPolicy] = useState(CHOSEN);
  const [reason, setReason] = useState('');
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const environment = environmentOf(service);
  const prospect = { service: service.metadata.name, version, environment, actor, ...(policy !== CHOSEN && { policy }) };
  const goAhead = useGoAhead(prospect);
  const describe = (value: string) =>
    value === CHOSEN
      ? `The one that ${environment} has for this kind of change.`
      : policies.data?.items.find(({ metadata }) => metadata.name === value)?.spec.description;
  const submit = (form: HTMLFormElement) => {
    if (!goAhead.check()) return showFirstError(form);
    setActor(name);
    const request = {
      service: service.metadata.name, version, environment, idempotencyKey,
      ...(policy !== CHOSEN && { policy }),
      ...(reason.trim() && { reason: reason.trim() }),
      ...goAhead.request,
    };
    start.mutate(request, {
      onSuccess: (release) => {
        notify(`Started: ${release.metadata.name}`);
        onClose();
        navigate(releaseAddress(environmentOf(release), release.metadata.name));
      },
    });
  };
  if (choices.length === 0) {
    return (
      <Text fz="sm">
        {service.metadata.name} has no version in {environment} that could be released. Its pipeline announces the next one.
      </Text>
    );
  }
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit(event.currentTarget);
      }}
    >
      <Stack gap="md">
        <Radio.Group label="Version" value={version} onChange={setVersion}>
          <Stack gap="xs" mt={6}>
            {choices.map((choice) => (
              <Radio key={choice.name} value={choice.name} label={choice.name} description={readiness(choice)} />
            ))}
          </Stack>
        </Radio.Group>
        <Select
          label="Policy"
          description={describe(policy)}
          renderOption={({ option }) => (
            <div>
              {option.label}
              <Text fz="xs" c="dimmed">
                {describe(option.value)}
              </Text>
            </div>
          )}
          data={[
            { value: CHOSEN, label: 'Automatic' },
            ...(policies.data?.items ?? []).map(({ metadata }) => ({ value: metadata.name, label: metadata.name })),
          ]}
          value={policy}
          onChange={(value) => setPolicy(value ?? CHOSEN)}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
          maxDropdownHeight={280}
        />
        <SchedulePreview prospect={prospect} isOverridden={goAhead.isChosen} />
        <ForecastPreview prospect={prospect} />
        {goAhead.field}
        <Textarea
          label="Why?"
          description="One sentence for whoever reads the log later."
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={6}
          maxLength={500}
        />
        <ActorInput value={name} onChange={setName} />
        {service.status.release && (
          <Text fz="sm" c="var(--warn)">
            {service.status.release} is under way. The policy says whether this release takes its place or waits for it.
          </Text>
        )}
        {start.isError && <ProblemAlert error={start.error} />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={start.isPending} disabled={!version}>
            Start releasing {version}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Starts a release, after showing what will happen. */
export function StartDialog({ isOpen, ...props }: Props & { isOpen: boolean }) {
  return (
    <Dialog isOpen={isOpen} onClose={props.onClose} title={`Start a release of ${props.service.metadata.name}`} size="lg">
      <StartForm {...props} />
    </Dialog>
  );
}
