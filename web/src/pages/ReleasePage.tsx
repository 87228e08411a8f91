import { VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'wouter';
import { policiesQuery, releaseQuery } from '../api/queries';
import { DEFAULT_ENVIRONMENT, environmentOf, isFinal, type Release, type ReleaseStatus, serviceAddress, type Verb } from '../api/resources';
import { Ago } from '../components/Ago';
import { PhaseBadge } from '../components/Badge';
import { Checks, type Look } from '../components/Checks';
import { HoldUpPanel } from '../components/HoldUpPanel';
import { MemberList } from '../components/MemberList';
import { NoReturn } from '../components/NoReturn';
import { PageHead } from '../components/PageHead';
import { Panel } from '../components/Panel';
import { SplitBar } from '../components/SplitBar';
import { StepList } from '../components/StepList';
import { Timeline } from '../components/Timeline';
import { type Shown, TrafficPanel } from '../components/TrafficPanel';
import { Loaded } from '../components/Trouble';
import { VerbButtons } from '../components/VerbButtons';
import { VerbDialog } from '../components/VerbDialog';
import { count, ratio, share, tied } from '../format/number';
import { marks as marksOf } from '../format/marks';
import { PHASES } from '../format/phase';
import { length } from '../format/time';
import classes from './ReleasePage.module.css';

/** What screen readers are told when it changes: the phase and the step, not every number. */
function Announcement({ status }: { status: ReleaseStatus }) {
  return (
    <VisuallyHidden role="status">
      {`${PHASES[status.phase].label}${status.step && !isFinal(status.phase) ? `, step ${status.step}` : ''}`}
    </VisuallyHidden>
  );
}

function Split({ status }: { status: ReleaseStatus }) {
  const { desired, observed } = status.split;
  const isMoving = desired.candidate !== observed.candidate || desired.audience !== observed.audience;
  return (
    <div>
      <SplitBar from={status.from} to={status.to} candidate={observed.candidate} isLarge />
      <div className={classes.audience}>
        {isMoving ? (
          <span className={classes.moving}>
            Moving to {share(desired.candidate)} ({tied(desired.audience)}); the gateway has confirmed {share(observed.candidate)}.
          </span>
        ) : (
          <>
            Who meets {status.to}: {tied(observed.audience)}.
          </>
        )}
      </div>
    </div>
  );
}

function Exposure({ status }: { status: ReleaseStatus }) {
  const { requests, failed } = status.exposed;
  return (
    <Panel title={`What ${status.to} has answered`}>
      <dl className={classes.facts}>
        <div>
          <dt>Requests</dt>
          <dd>{count(requests)}</dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd>
            {count(failed)}
            {requests > 0 && <small>{ratio(failed / requests)} of them</small>}
          </dd>
        </div>
      </dl>
    </Panel>
  );
}


function ReleaseTraffic({ release }: { release: Release }) {
  const { status } = release;
  const { from, to, startedAt, finishedAt } = status;
  const versions = useMemo<Shown[]>(() => [{ name: from, role: 'stable' }, { name: to, role: 'candidate' }], [from, to]);
  const marks = useMemo(() => marksOf(status), [status]);
  return (
    <TrafficPanel
      environment={environmentOf(release)}
      service={release.spec.service}
      versions={versions}
      marks={marks}
      {...(startedAt && { since: Date.parse(startedAt) })}
      {...(finishedAt && { until: Date.parse(finishedAt) })}
    />
  );
}

function Facts({ release }: { release: Release }) {
  const { from, policy, attempt, startedAt, finishedAt, keptUntil, startedBy, services } = release.status;
  const others = services.filter(({ service }) => service !== release.spec.service).map(({ service, to }) => `${service} ${to}`);
  return (
    <>
      From {from} in {environmentOf(release)}, policy {policy}
      {others.length > 0 && `, together with ${others.join(', ')}`}
      {attempt > 1 && `, attempt ${attempt}`}
      {' · '}started by {startedBy}
      {startedAt && (
        <>
          {' '}
          <Ago at={startedAt} />
        </>
      )}
      {startedAt && finishedAt && ` · took ${length(Date.parse(finishedAt) - Date.parse(startedAt))}`}
      {keptUntil && (
        <>
          {' · '}
          {from} is kept, until <Ago at={keptUntil} />
        </>
      )}
    </>
  );
}

function Whole({ release }: { release: Release }) {
  const { status } = release;
  const { service } = release.spec;
  const environment = environmentOf(release);
  const noReturn = useId();
  const [verb, setVerb] = useState<Verb>();
  const [look, setLook] = useState<Look>();
  const checks = useRef<HTMLDivElement>(null);
  const lookBack = (at: string) => {
    setLook({ at });
    checks.current?.scrollIntoView({ block: 'start' });
  };
  const policy = useQuery(policiesQuery).data?.items.find(({ metadata }) => metadata.name === status.policy)?.spec;
  return (
    <>
      <PageHead
        title={`${service} ${status.to}`}
        tab={`${PHASES[status.phase].label} ${share(status.split.observed.candidate)}: ${service} ${status.to}`}
        crumbs={[
          { text: 'Services', href: '/' },
          { text: service, href: serviceAddress(environment, service) },
        ]}
        badge={<PhaseBadge phase={status.phase} />}
        sub={<Facts release={release} />}
      />
      <Announcement status={status} />
      <section className={classes.top} aria-label="Where the release stands">
        <div className={classes.headline}>
          <div className={classes.reason}>
            {tied(status.reason.text)}
            <div className={classes.since}>
              <Ago at={status.reason.at} />
            </div>
          </div>
          <VerbButtons status={status} noReturn={noReturn} onVerb={setVerb} />
        </div>
        <HoldUpPanel release={release} onVerb={setVerb} />
        <NoReturn status={status} id={noReturn} />
        <Split status={status} />
        {status.services.length > 0 && (
          <>
            <h2 className={classes.sectionTitle}>Released together, in the order in which they go up</h2>
            <MemberList members={status.services} environment={environment} />
          </>
        )}
        <h2 className={classes.sectionTitle}>Steps</h2>
        <StepList status={status} policy={policy} />
      </section>
      <div className={classes.columns}>
        <div className={classes.column}>
          <div ref={checks} className={classes.checks}>
            <Checks release={release} look={look} onLook={setLook} />
          </div>
          <ReleaseTraffic release={release} />
        </div>
        <div className={classes.column}>
          <Exposure status={status} />
          <Panel title="What happened">
            <Timeline entries={status.timeline} onMoment={lookBack} />
          </Panel>
        </div>
      </div>
      <VerbDialog release={release} verb={verb} onClose={() => setVerb(undefined)} />
    </>
  );
}

/** One release: where it stands and why, and what can be done about it. */
export function ReleasePage({ name }: { name: string }) {
  const [search] = useSearchParams();
  const release = useQuery(releaseQuery(search.get('environment') ?? DEFAULT_ENVIRONMENT, name));
  return <Loaded query={release} title={name}>{(data) => <Whole release={data} />}</Loaded>;
}
