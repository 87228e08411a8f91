import { Anchor, Button, Text, TextInput, VisuallyHidden } from '@mantine/core';
import { IconArrowRight, IconCalendarOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { standingQuery } from '../api/queries';
import {
  type EnvironmentStanding, isFinal, releaseAddress, type ReleaseThere, serviceAddress, type ServiceStanding, type Standing,
} from '../api/resources';
import { PhaseBadge, RoleMark } from '../components/Badge';
import { ChooseDialog } from '../components/ChooseDialog';
import { FirstService } from '../components/FirstService';
import { PageHead } from '../components/PageHead';
import { type Handover, PromoteDialog } from '../components/PromoteDialog';
import { Loaded } from '../components/Trouble';
import { useNow } from '../clock';
import { closure, opens } from '../format/calendar';
import { share } from '../format/number';
import { offer, underWay } from '../format/standing';
import classes from './EnvironmentsPage.module.css';

/** From so many services on there is a field to find one. */
const FILTER_FROM = 8;

/** The environments where nothing may begin now, with why and when they open. */
function Closures({ environments }: { environments: EnvironmentStanding[] }) {
  const now = useNow();
  const closed = environments.flatMap((place) => {
    const closes = closure(place);
    return closes ? [{ place, closes }] : [];
  });
  if (closed.length === 0) return null;
  return (
    <ul className={classes.closures} aria-label="Closed environments">
      {closed.map(({ place: { name, text }, closes }) => (
        <li key={name} className={classes.closure} title={text}>
          <IconCalendarOff size={18} aria-hidden />
          <span>
            <strong>{name} is closed.</strong> {closes.why}. {opens(closes, now)}. Releases there wait; taking people
            back is possible at any time.
          </span>
        </li>
      ))}
    </ul>
  );
}

function Place({ place }: { place: EnvironmentStanding }) {
  return (
    <span className={classes.place}>
      <span className="name">{place.name}</span>
      {closure(place) && (
        <span className={classes.shut}>
          <IconCalendarOff size={14} aria-hidden /> closed
        </span>
      )}
      {place.after && <span className={classes.after}>after {place.after}</span>}
    </span>
  );
}

function OnItsWay({ environment, release }: { environment: string; release: ReleaseThere }) {
  return (
    <div className={classes.way}>
      <Anchor component={Link} href={releaseAddress(environment, release.name)} fz="inherit" fw={600} className={classes.version}>
        <RoleMark role="candidate" />
        <span className="name">{release.version}</span>
      </Anchor>
      <PhaseBadge phase={release.phase} />
      <span className="number">{share(release.share)} of everyone</span>
    </div>
  );
}

function Waiting({ versions }: { versions: string[] }) {
  if (versions.length === 0) return null;
  const shown = versions.slice(-3);
  const more = versions.length - shown.length;
  return (
    <div className={classes.waiting}>
      <RoleMark role="dark" />
      <span className="name">
        {shown.join(', ')}
        {more > 0 && ` and ${more} more`} {versions.length === 1 ? 'waits' : 'wait'} to be released
      </span>
    </div>
  );
}

interface CellProps {
  service: ServiceStanding;
  place: EnvironmentStanding;
  onPromote: (handover: Handover) => void;
}

function Cell({ service, place, onPromote }: CellProps) {
  const there = service.environments[place.name];
  if (!there) {
    return (
      <td className={classes.none}>
        <span className={classes.label}>{place.name}</span>
        <span aria-hidden>–</span>
        <VisuallyHidden>not there</VisuallyHidden>
      </td>
    );
  }
  const offered = offer(place, service.environments);
  return (
    <td>
      <div className={classes.label}>
        <Place place={place} />
      </div>
      <Link href={serviceAddress(place.name, service.name)} className={classes.live}>
        {there.live ? (
          <>
            <RoleMark role="stable" />
            <span className="name">{there.live}</span>
            <VisuallyHidden>is live</VisuallyHidden>
          </>
        ) : (
          'Nothing is live yet'
        )}
      </Link>
      {there.release && !isFinal(there.release.phase) && <OnItsWay environment={place.name} release={there.release} />}
      <Waiting versions={there.waiting} />
      {offered && (
        <div className={classes.offer}>
          <span>
            {offered.version} is live in {offered.from}
          </span>
          <Button
            variant="default"
            size="compact-sm"
            rightSection={<IconArrowRight size={14} aria-hidden />}
            aria-label={`Promote to ${place.name}: ${service.name} ${offered.version}`}
            onClick={() => onPromote({ ...offered, service: service.name, to: place.name })}
          >
            Promote to {place.name}
          </Button>
        </div>
      )}
    </td>
  );
}

interface MatrixProps {
  standing: Standing;
  services: ServiceStanding[];
  onPromote: (handover: Handover) => void;
}

function Matrix({ standing: { environments }, services, onPromote }: MatrixProps) {
  return (
    <div className={classes.scroll}>
      <table className={classes.table}>
        <caption className={classes.caption}>Which version is live where</caption>
        <thead>
          <tr>
            <th scope="col">Service</th>
            {environments.map((place) => (
              <th key={place.name} scope="col">
                <Place place={place} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <tr key={service.name}>
              <th scope="row">{service.name}</th>
              {environments.map((place) => (
                <Cell key={place.name} service={service} place={place} onPromote={onPromote} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Whole({ standing }: { standing: Standing }) {
  const [handover, setHandover] = useState<Handover>();
  const [isChoosing, setChoosing] = useState(false);
  const [wanted, setWanted] = useState('');
  const services = standing.services.filter(({ name }) => name.includes(wanted.trim()));
  const going = underWay(standing);
  return (
    <>
      <PageHead
        title="Environments"
        sub={`Which version is live where. ${going === 0 ? 'Nothing is' : going === 1 ? 'One release is' : `${going} releases are`} under way.`}
        actions={
          <Button onClick={() => setChoosing(true)} disabled={standing.services.length === 0}>
            Start a release
          </Button>
        }
      />
      <Closures environments={standing.environments} />
      {standing.services.length === 0 ? (
        <FirstService />
      ) : (
        <>
          {standing.services.length >= FILTER_FROM && (
            <TextInput
              label="Find a service"
              placeholder="Any part of its name"
              value={wanted}
              onChange={(event) => setWanted(event.currentTarget.value)}
              maw={320}
              mb="md"
            />
          )}
          {services.length > 0 && <Matrix standing={standing} services={services} onPromote={setHandover} />}
          <Text c="dimmed" fz="sm" role="status">
            {services.length === 0 ? 'No service has that in its name.' : ''}
          </Text>
        </>
      )}
      <ChooseDialog isOpen={isChoosing} standing={standing} onClose={() => setChoosing(false)} />
      <PromoteDialog handover={handover} onClose={() => setHandover(undefined)} />
    </>
  );
}

/** Which version of which service is live where, what is on its way, and what could be handed on. */
export function EnvironmentsPage() {
  const standing = useQuery(standingQuery);
  return (
    <Loaded query={standing} title="Environments">
      {(data) => <Whole standing={data} />}
    </Loaded>
  );
}
