import { Select, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { serviceQuery } from '../api/queries';
import type { ServiceStanding, Standing } from '../api/resources';
import { Dialog } from './Dialog';
import { StartForm } from './StartDialog';
import { Loaded } from './Trouble';

interface Props {
  standing: Standing;
  onClose: () => void;
}

function Chosen({ environment, service, onClose }: { environment: string; service: string; onClose: () => void }) {
  const query = useQuery(serviceQuery(environment, service));
  return <Loaded query={query}>{(data) => <StartForm service={data} onClose={onClose} />}</Loaded>;
}

const hasWaiting = ({ environments }: ServiceStanding) => Object.values(environments).some(({ waiting }) => waiting.length > 0);

function ChooseForm({ standing, onClose }: Props) {
  // One mostly comes for something that waits.
  const [service, setService] = useState(() => (standing.services.find(hasWaiting) ?? standing.services[0])?.name ?? '');
  const where = standing.services.find(({ name }) => name === service)?.environments ?? {};
  const places = standing.environments.filter(({ name }) => where[name]).map(({ name }) => name);
  const [wanted, setWanted] = useState('');
  const first = places.find((name) => where[name]?.waiting.length) ?? places[0] ?? '';
  const environment = places.includes(wanted) ? wanted : first;
  return (
    <Stack gap="md">
      <Select
        label="Service"
        data={standing.services.map(({ name }) => name)}
        value={service}
        onChange={(value) => setService(value ?? service)}
        allowDeselect={false}
        searchable={standing.services.length > 8}
        comboboxProps={{ withinPortal: false }}
        maxDropdownHeight={280}
      />
      <Select
        label="Environment"
        data={places}
        value={environment}
        onChange={(value) => setWanted(value ?? environment)}
        allowDeselect={false}
        comboboxProps={{ withinPortal: false }}
      />
      {environment && <Chosen key={`${environment}/${service}`} environment={environment} service={service} onClose={onClose} />}
    </Stack>
  );
}

/** Starts a release of any service in any environment. */
export function ChooseDialog({ isOpen, ...props }: Props & { isOpen: boolean }) {
  return (
    <Dialog isOpen={isOpen} onClose={props.onClose} title="Start a release" size="lg">
      <ChooseForm {...props} />
    </Dialog>
  );
}
