import { Anchor } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { LIST_MAX, releasesQuery, servicesQuery } from '../api/queries';
import { environmentOf, isFinal, type Release, releaseAddress, type Service, serviceAddress } from '../api/resources';
import { Ago } from '../components/Ago';
import { PhaseBadge } from '../components/Badge';
import { FirstService } from '../components/FirstService';
import { NeedsYou } from '../components/NeedsYou';
import { PageHead } from '../components/PageHead';
import { Readiness } from '../components/Readiness';
import { SplitBar } from '../components/SplitBar';
import { Loaded, Loading } from '../components/Trouble';
import { byUrgency, needsSomebody } from '../format/needs';
import { tied } from '../format/number';
import { readiness, route } from '../format/service';
import classes from './ServicesPage.module.css';

const plural = (amount: number, one: string, many = `${one}s`) => `${amount} ${amount === 1 ? one : many}`;

function UnderWay({ release }: { release: Release }) {
  const { status } = release;
  return (
    <>
      <div className={classes.releaseHead}>
        <Anchor component={Link} href={releaseAddress(environmentOf(release), release.metadata.name)} fw={600} fz="sm">
          Release of {status.to}
        </Anchor>
        <PhaseBadge phase={status.phase} />
      </div>
      <SplitBar from={status.from} to={status.to} candidate={status.split.observed.candidate} />
      <div className={classes.reason}>{tied(status.reason.text)}</div>
    </>
  );
}

function Last({ release }: { release: Release }) {
  const { to, phase, reason } = release.status;
  return (
    <>
      <div className={classes.releaseHead}>
        <Anchor component={Link} href={releaseAddress(environmentOf(release), release.metadata.name)} fw={600} fz="sm">
          Release of {to}
        </Anchor>
        <span className={classes.when}>
          <Ago at={reason.at} />
        </span>
        <PhaseBadge phase={phase} />
      </div>
      <div className={classes.reason}>{tied(reason.text)}</div>
    </>
  );
}

function AtRest({ service, last }: { service: Service; last?: Release }) {
  const dark = service.status.versions.filter(({ role }) => role === 'dark');
  return (
    <>
      {last ? <Last release={last} /> : <div className={classes.dim}>Nothing has been released yet.</div>}
      {dark.length > 0 && (
        <div className={classes.dark}>
          {plural(dark.length, 'dark version')}: {dark.map(({ name }) => name).join(', ')}.{' '}
          <Anchor component={Link} href={serviceAddress(environmentOf(service), service.metadata.name)} fz="inherit" underline="always">
            Start a release
          </Anchor>
        </div>
      )}
    </>
  );
}

function ServiceCard({ service, release }: { service: Service; release?: Release }) {
  const { name } = service.metadata;
  const environment = environmentOf(service);
  const live = service.status.versions.find((version) => version.name === service.status.live);
  const troubled = service.status.versions.filter((version) => version !== live && version.share > 0 && version.endpoints.ready < version.endpoints.total);
  return (
    <li className={classes.card}>
      <div>
        <Link href={serviceAddress(environment, name)} className={classes.name}>
          {name}
        </Link>
        <span className={classes.env}>{environment}</span>
        <div className={classes.dim}>{service.spec.routes.map(route).join(', ')}</div>
      </div>
      <div className={classes.live}>
        {service.status.live ? (
          <>
            Live: <strong>{service.status.live}</strong>
          </>
        ) : (
          'Nothing is live yet'
        )}
        {live && (
          <div className={classes.dim}>
            <Readiness version={live} />
          </div>
        )}
        {troubled.map((version) => (
          <div key={version.name} className={classes.dim}>
            {version.name}: {readiness(version)}
          </div>
        ))}
      </div>
      <div>{release && !isFinal(release.status.phase) ? <UnderWay release={release} /> : <AtRest service={service} {...(release && { last: release })} />}</div>
    </li>
  );
}

/** A release under way comes before all others; of those that are over, the one that was created last. */
const isLater = (a: Release, b: Release) =>
  !isFinal(a.status.phase) || (a.metadata.createdAt ?? '') > (b.metadata.createdAt ?? '');

const at = (environment: string, name: string) => `${environment}/${name}`;

/** What is live where. */
export function ServicesPage() {
  const services = useQuery(servicesQuery);
  // Those under way, however long ago they began; and the last ones, for services where none is.
  const active = useQuery(releasesQuery({ active: true }));
  const recent = useQuery(releasesQuery({}));
  const underWay = active.data?.items.filter(({ status }) => !isFinal(status.phase)).length ?? 0;
  const latest = new Map<string, Release>();
  for (const release of [...(active.data?.items ?? []), ...(recent.data?.items ?? [])]) {
    const key = at(environmentOf(release), release.spec.service);
    const known = latest.get(key);
    if (!known || (isFinal(known.status.phase) && isLater(release, known))) latest.set(key, release);
  }
  return (
    <>
      <PageHead
        title="Services"
        sub={
          services.data && services.data.items.length > 0
            ? `${plural(services.data.items.length, 'service')}, ${underWay === 0 ? 'no release' : plural(underWay, 'release')} under way`
            : undefined
        }
      />
      <Loaded query={services}>
        {({ items, hasMore }) =>
          items.length === 0 ? (
            <FirstService />
          ) : active.isPending ? (
            // What needs somebody comes first: the list waits for it rather than jump.
            <Loading />
          ) : (
            <>
              <NeedsYou releases={(active.data?.items ?? []).filter(needsSomebody).toSorted(byUrgency)} />
              <ul className={classes.list}>
                {items.map((service) => (
                  <ServiceCard
                    key={at(environmentOf(service), service.metadata.name)}
                    service={service}
                    release={latest.get(at(environmentOf(service), service.metadata.name))}
                  />
                ))}
              </ul>
              {hasMore && <p className={classes.dim}>These are the first {LIST_MAX}. The command `sluice get services` lists all.</p>}
            </>
          )
        }
      </Loaded>
    </>
  );
}
