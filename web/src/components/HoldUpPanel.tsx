import { UnstyledButton } from '@mantine/core';
import { type Icon, IconCalendarOff, IconCheck, IconLink, IconUserQuestion, IconWebhook } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { useActor } from '../actor';
import { useNow } from '../clock';
import { environmentQuery, standingQuery } from '../api/queries';
import { environmentOf, type EnvironmentSpec, type GateStatus, type Release, type Verb } from '../api/resources';
import { closure, opens } from '../format/calendar';
import { cannot, type HoldUp, holdUp, peopleWith } from '../format/holdup';
import { GATE_VERBS } from '../format/phase';
import { absolute, relative, when } from '../format/time';
import { ActorMenu } from './ActorMenu';
import classes from './HoldUpPanel.module.css';
import { VerbButton } from './VerbButtons';

const ICONS: Record<HoldUp['kind'], Icon> = {
  approval: IconUserQuestion,
  webhook: IconWebhook,
  version: IconLink,
  calendar: IconCalendarOff,
};

/** `until tomorrow 10:00 (in 14 h)`. */
function Until({ at }: { at: string }) {
  const now = useNow();
  const millis = Date.parse(at);
  return (
    <time dateTime={at} title={absolute(millis)}>
      until {when(millis, now)} ({relative(millis, now)})
    </time>
  );
}

/** Who has approved: when, and what they said. */
function Given({ gate }: { gate: GateStatus }) {
  const now = useNow();
  if (gate.given.length === 0) return null;
  return (
    <ul className={classes.given} aria-label="Approvals given">
      {gate.given.map(({ actor, at, reason }) => (
        <li key={actor}>
          <IconCheck size={16} aria-hidden />
          <span>
            <strong>{actor}</strong>, {when(Date.parse(at), now)}
            {reason && <>: “{reason}”</>}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Why the calendar is closed, and when it opens. */
function Calendar({ environment }: { environment: string }) {
  const now = useNow();
  const standing = useQuery(standingQuery);
  const place = standing.data?.environments.find(({ name }) => name === environment);
  const closed = place && closure(place);
  if (!closed) return null;
  return (
    <p className={classes.fact} title={place.text}>
      <strong>
        {closed.why}. {opens(closed, now)}.
      </strong>
    </p>
  );
}

/** Who acts, and why they cannot do some of what is offered. */
function Acting({ id, refusals }: { id: string; refusals: string }) {
  const actor = useActor();
  return (
    <p className={classes.acting}>
      {actor ? (
        <>
          You act as <strong>{actor}</strong>.
        </>
      ) : (
        'Say who you are before you decide.'
      )}{' '}
      {refusals && <span id={id}>{refusals} </span>}
      <ActorMenu>
        {(toggle) => (
          <UnstyledButton className={classes.change} onClick={toggle}>
            {actor ? 'Act as somebody else' : 'Say your name'}
          </UnstyledButton>
        )}
      </ActorMenu>
    </p>
  );
}

function people(gate: GateStatus, spec: EnvironmentSpec | null | undefined, startedBy: string): string {
  const names = peopleWith(gate.roles, spec);
  const notStarter = gate.fourEyes && (names.length === 0 || names.includes(startedBy)) ? ` Not by ${startedBy}, who started it.` : '';
  return `${names.length > 0 ? `: ${names.join(', ')}.` : '.'}${notStarter}`;
}

/** What a release waits for from outside, and what can be done about it. Nothing while it does not. */
export function HoldUpPanel({ release, onVerb }: { release: Release; onVerb: (verb: Verb) => void }) {
  const { status } = release;
  const environment = environmentOf(release);
  const id = useId();
  const actor = useActor();
  const spec = useQuery(environmentQuery(environment)).data?.spec;
  const held = holdUp(status);
  if (!held) return null;
  const HoldIcon = ICONS[held.kind];
  const { gate } = status;
  const isApproval = gate?.kind === 'approval';
  const offered = GATE_VERBS.filter((verb) => status.verbs.includes(verb));
  const why = new Map<Verb, string | undefined>(offered.map((verb) => [verb, cannot(verb, actor, status, spec)]));
  const refusals = [...new Set([...why.values()].filter((text) => text !== undefined))];
  return (
    <section className={`${classes.panel} ${isApproval ? classes.ask : classes.wait}`} aria-labelledby={id}>
      <HoldIcon size={22} className={classes.icon} aria-hidden />
      <div className={classes.body}>
        <h2 id={id} className={classes.title}>
          {held.kind === 'calendar' ? `Waits until ${environment} opens` : held.title}
        </h2>
        {held.kind === 'calendar' && <Calendar environment={environment} />}
        <p className={classes.fact}>
          {isApproval && held.until && (
            <>
              <strong>
                {gate.given.length} of {gate.count} given
              </strong>
              , <Until at={held.until} />.{' '}
            </>
          )}
          {held.facts.join(' ')}
          {isApproval && people(gate, spec, status.startedBy)}
          {!isApproval && held.until && (
            <>
              {' '}
              This is waited for <Until at={held.until} />.
            </>
          )}
        </p>
        {isApproval && <Given gate={gate} />}
        {offered.length > 0 && (
          <>
            <Acting id={`${id}-why`} refusals={refusals.join(' ')} />
            <div className={classes.buttons} role="group" aria-label="What can be decided">
              {offered.map((verb) => (
                <VerbButton key={verb} verb={verb} onVerb={onVerb} impossible={why.get(verb) && `${id}-why`} />
              ))}
            </div>
          </>
        )}
      </div>
    </section>
  );
}
