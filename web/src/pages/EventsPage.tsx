import { Anchor, Button, Select, Text, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { eventsQuery } from '../api/queries';
import { DEFAULT_ENVIRONMENT, type EventRecord, type Kind, releaseAddress, serviceAddress } from '../api/resources';
import { Ago } from '../components/Ago';
import { PageHead } from '../components/PageHead';
import { Loaded } from '../components/Trouble';
import classes from './EventsPage.module.css';

const KINDS: Kind[] = ['Service', 'Release', 'Policy', 'Segment', 'Metric', 'Environment'];
/** Who acts when no person or program does. */
const ITSELF = 'sluice';
const PAGE = 100;
/** What the API gives at once at most. */
const MAX = 1000;

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

/** Everything that happened, newest first. */
export function EventsPage() {
  const [kind, setKind] = useState<string | null>(null);
  const [name, setName] = useState('');
  const [limit, setLimit] = useState(PAGE);
  const events = useQuery({
    ...eventsQuery({ limit, ...(kind && { kind }), ...(name.trim() && { name: name.trim() }) }),
    placeholderData: keepPreviousData,
  });
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
        <TextInput label="Name" placeholder="The whole name" value={name} onChange={(event) => setName(event.currentTarget.value)} />
      </div>
      <Loaded query={events}>
        {(items) =>
          items.length === 0 ? (
            <Text c="dimmed">{kind || name ? 'No event is about that.' : 'Nothing has happened yet.'}</Text>
          ) : (
            <>
              <ol className={classes.list} reversed>
                {items.map((event) => (
                  <li key={event.seq} className={classes.event}>
                    <span className={classes.dim}>
                      <Ago at={event.at} />
                    </span>
                    <Subject event={event} />
                    <div className={classes.text}>{event.text}</div>
                    <div className={event.actor === ITSELF ? `${classes.itself} ${classes.dim}` : classes.actor}>
                      {event.actor === ITSELF ? 'Sluice' : `by ${event.actor}`}
                    </div>
                  </li>
                ))}
              </ol>
              {items.length >= limit && limit < MAX && (
                <Button variant="default" mt="md" loading={events.isFetching} onClick={() => setLimit(Math.min(MAX, limit + PAGE))}>
                  Load {PAGE} more
                </Button>
              )}
              {items.length >= MAX && (
                <Text c="dimmed" fz="sm" mt="md">
                  These are the last {MAX}. The command `sluice get events` shows older ones.
                </Text>
              )}
            </>
          )
        }
      </Loaded>
    </>
  );
}
