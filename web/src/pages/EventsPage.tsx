import { Anchor, Button, Select, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { eventsQuery, useOlderEvents } from '../api/queries';
import { DEFAULT_ENVIRONMENT, type EventRecord, type Kind, releaseAddress, serviceAddress } from '../api/resources';
import { Ago } from '../components/Ago';
import { PageHead } from '../components/PageHead';
import { Loaded, ProblemAlert } from '../components/Trouble';
import { tied } from '../format/number';
import classes from './EventsPage.module.css';

const KINDS: Kind[] = ['Service', 'Release', 'Policy', 'Segment', 'Metric', 'Environment'];
/** Who acts when no person or program does. */
const ITSELF = 'sluice';

function Subject({ event: { subject } }: { event: EventRecord }) {
  const environment = subject.environment ?? DEFAULT_ENVIRONMENT;
  const address =
    subject.kind === 'Release' ? releaseAddress(environment, subject.name)
    : subject.kind === 'Service' ? serviceAddress(environment, subject.name)
    : undefined;
  return (
    <div className={classes.subject}>
      {address ? (
        <Anchor component={Link} href={address} fz="inherit">
          {subject.name}
        </Anchor>
      ) : (
        <span>{subject.name}</span>
      )}
      <span className={classes.dim}>{subject.kind}</span>
    </div>
  );
}

function Line({ event }: { event: EventRecord }) {
  const isItself = event.actor === ITSELF;
  return (
    <li className={classes.event}>
      <span className={classes.dim}>
        <Ago at={event.at} />
      </span>
      <Subject event={event} />
      <div className={classes.text}>{tied(event.text)}</div>
      <div className={isItself ? `${classes.itself} ${classes.dim}` : classes.actor}>{isItself ? 'Sluice' : `by ${event.actor}`}</div>
    </li>
  );
}

const matches = ({ subject }: EventRecord, kind: string | null, name: string) =>
  (kind === null || subject.kind === kind) && subject.name.includes(name.trim());

/** Everything that happened, newest first. */
export function EventsPage() {
  const [kind, setKind] = useState<string | null>(null);
  const [name, setName] = useState('');
  const events = useQuery(eventsQuery);
  const older = useOlderEvents();
  const isFiltered = kind !== null || name.trim() !== '';
  return (
    <>
      <PageHead title="Events" sub="Every change and every decision, newest first." />
      <div className={classes.filters} role="search" aria-label="Filter events">
        <Select
          label="Kind"
          placeholder="All kinds"
          data={KINDS}
          value={kind}
          onChange={setKind}
          clearable
          clearButtonProps={{ 'aria-label': 'Show all kinds' }}
        />
        <TextInput label="Name" placeholder="Any part of it" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      </div>
      <Loaded query={events}>
        {(items) => {
          const shown = items.filter((event) => matches(event, kind, name));
          const oldest = items.at(-1)?.seq ?? 1;
          return (
            <>
              {shown.length > 0 && (
                <ol className={classes.list} reversed>
                  {shown.map((event) => (
                    <Line key={event.seq} event={event} />
                  ))}
                </ol>
              )}
              <Text c="dimmed" fz="sm" mt="md" role="status">
                {items.length === 0 ? 'Nothing has happened yet.' : isFiltered ? `${shown.length} of the last ${items.length} events.` : ''}
              </Text>
              {older.isError && <ProblemAlert error={older.error} />}
              {oldest > 1 && (
                <Button variant="default" mt="xs" loading={older.isPending} onClick={() => older.mutate(oldest)}>
                  Load older events
                </Button>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
}
