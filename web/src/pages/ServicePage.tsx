import { Anchor, Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { Link } from 'wouter';
import { releaseQuery, releasesQuery, serviceQuery } from '../api/queries';
import { environmentOf, isFinal, type Release, releaseAddress, type Service } from '../api/resources';
import { Ago } from '../components/Ago';
import { PhaseBadge, RoleBadge } from '../components/Badge';
import { PageHead } from '../components/PageHead';
import { Panel } from '../components/Panel';
import { Readiness } from '../components/Readiness';
import { SplitBar } from '../components/SplitBar';
import { StartDialog } from '../components/StartDialog';
import { type Shown, TrafficPanel } from '../components/TrafficPanel';
import { Loaded } from '../components/Trouble';
import { share, tied } from '../format/number';
import { releasable, route } from '../format/service';
import classes from './ServicePage.module.css';

/** How many releases of the past are listed. */
const RECENT = 10;

function Versions({ service, onRelease }: { service: Service; onRelease: (version: string) => void }) {
  const canRelease = new Set(releasable(service).map(({ name }) => name));
  return (
    <Panel title="Versions">
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Role</th>
            <th scope="col">Share of people</th>
            <th scope="col">Health</th>
            <th scope="col">Action</th>
          </tr>
        </thead>
        <tbody>
          {service.status.versions.map((version) => (
            <tr key={version.name}>
              <td className={classes.version}>{version.name}</td>
              <td>
                <RoleBadge role={version.role} />
              </td>
              <td>{version.share > 0 ? share(version.share) : <span className={classes.dim}>nobody</span>}</td>
              <td>
                <Readiness version={version} />
              </td>
              <td>
                {canRelease.has(version.name) && (
                  <Button variant="default" size="compact-sm" onClick={() => onRelease(version.name)} aria-label={`Release ${version.name}`}>
                    Release…
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Current({ environment, name }: { environment: string; name: string }) {
  const query = useQuery(releaseQuery(environment, name));
  const release = query.data;
  const isOver = release !== undefined && isFinal(release.status.phase);
  return (
    <Panel title={isOver ? 'Last release' : 'Release under way'} note={release && <PhaseBadge phase={release.status.phase} />}>
      <Loaded query={query}>
        {({ status }) => (
          <>
            <Text fz="sm" mb="sm">
              {tied(status.reason.text)}
            </Text>
            {!isOver && <SplitBar from={status.from} to={status.to} candidate={status.split.observed.candidate} />}
            <Anchor component={Link} href={releaseAddress(environment, name)} fz="sm" fw={600} mt={isOver ? 0 : 'sm'} display="inline-block">
              {isOver ? 'Look at' : 'Watch'} the release of {status.to}
            </Anchor>
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function Recent({ releases }: { releases: Release[] }) {
  if (releases.length === 0) {
    return (
      <Text fz="sm" c="dimmed">
        Nothing has been released yet.
      </Text>
    );
  }
  return (
    <ul className={classes.releases}>
      {releases.map((release) => {
        const { name, createdAt } = release.metadata;
        const { from, to, phase, reason } = release.status;
        return (
          <li key={name} className={classes.release}>
            <span className={classes.what}>
              <Anchor component={Link} href={releaseAddress(environmentOf(release), name)} fz="inherit" fw={500} className="name">
                {to}
              </Anchor>
              <span className={classes.dim}>from {from}</span>
            </span>
            <span>
              <PhaseBadge phase={phase} />
            </span>
            <span className={classes.why}>{tied(reason.text)}</span>
            <span className={classes.when}>{createdAt && <Ago at={createdAt} />}</span>
          </li>
        );
      })}
    </ul>
  );
}

function Whole({ service }: { service: Service }) {
  const { name } = service.metadata;
  const environment = environmentOf(service);
  const releases = useQuery(releasesQuery({ environment, service: name, limit: RECENT }));
  const [start, setStart] = useState<{ version?: string }>();
  const versions = useMemo<Shown[]>(
    () => service.status.versions.filter(({ share: parts, role }) => parts > 0 || role === 'stable').map(({ name: version, role }) => ({ name: version, role })),
    [service.status.versions],
  );
  const nothingToRelease = releasable(service).length === 0;
  return (
    <>
      <PageHead
        title={name}
        crumbs={[{ text: 'Services', href: '/' }]}
        sub={
          <>
            In {environment}. {service.status.live ? `${service.status.live} is live.` : 'Nothing is live yet.'}
          </>
        }
        actions={
          <Button onClick={() => setStart({})} disabled={nothingToRelease}>
            Start a release
          </Button>
        }
      />
      <div className={classes.column}>
        {service.status.release && <Current environment={environment} name={service.status.release} />}
        <div className={classes.columns}>
          <Versions service={service} onRelease={(version) => setStart({ version })} />
          <Panel title="Routes">
            <ul className={classes.routes}>
              {service.spec.routes.map((one) => (
                <li key={route(one)} className="name">
                  {route(one)}
                </li>
              ))}
            </ul>
          </Panel>
        </div>
        <Panel title="Recent releases">
          <Loaded query={releases}>{({ items }) => <Recent releases={items.slice(0, RECENT)} />}</Loaded>
        </Panel>
        <TrafficPanel environment={environment} service={name} versions={versions} />
      </div>
      <StartDialog isOpen={start !== undefined} service={service} {...(start?.version && { version: start.version })} onClose={() => setStart(undefined)} />
    </>
  );
}

interface Props {
  environment: string;
  name: string;
}

/** One service: its versions, its releases, and a way to start one. */
export function ServicePage({ environment, name }: Props) {
  const service = useQuery(serviceQuery(environment, name));
  return <Loaded query={service} title={name}>{(data) => <Whole service={data} />}</Loaded>;
}
