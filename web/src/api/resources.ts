// The types of what the API speaks of, by short names, and what follows from them everywhere.

import type { components } from './schema';

type Schemas = components['schemas'];

/** A document as the pages use it; which kind it is they know from where it stands. */
type Document<T> = Omit<T, 'apiVersion' | 'kind'>;

export type Release = Document<Schemas['Release']>;
export type ReleaseStatus = Schemas['ReleaseStatus'];
export type Service = Document<Schemas['Service']>;
export type VersionStatus = Schemas['VersionStatus'];
export type VersionRole = Schemas['Role'];
export type Policy = Document<Schemas['Policy']>;
export type PolicySpec = Schemas['PolicySpec'];
export type RouteSpec = Schemas['RouteSpec'];
export type PhaseName = Schemas['PhaseName'];
export type Verb = Schemas['Verb'];
export type VerdictStatus = Schemas['VerdictStatus'];
export type StepStatus = Schemas['StepStatus'];
export type StepKind = Schemas['StepKind'];
export type GateStatus = Schemas['GateStatus'];
export type MemberStatus = Schemas['MemberStatus'];
export type TimelineEntry = Schemas['TimelineEntry'];
export type EventList = Schemas['EventList'];
export type EventRecord = Schemas['EventRecord'];
export type Kind = Schemas['Kind'];
export type Traffic = Schemas['TrafficSeries'];
export type TrafficNow = Schemas['TrafficNow'];
export type TrafficPoint = Schemas['Point'];
export type LiveMessage = Schemas['LiveMessage'];
export type ProblemDetails = Schemas['ProblemDetails'];
export type StartRelease = Schemas['StartRelease'];
export type Schedule = Schemas['Schedule'];
export type Environment = Document<Schemas['Environment']>;
export type EnvironmentSpec = Schemas['EnvironmentSpec'];
export type Standing = Schemas['Standing'];
export type EnvironmentStanding = Schemas['EnvironmentStanding'];
export type ServiceStanding = Schemas['ServiceStanding'];
export type ServiceThere = Schemas['ServiceThere'];
export type ReleaseThere = Schemas['ReleaseThere'];
export type HandOn = Schemas['HandOn'];
export type Account = Schemas['Account'];
export type CheckAccount = Schemas['CheckAccount'];
export type EffectInterval = Schemas['EffectInterval'];
export type EvidenceAccount = Schemas['EvidenceAccount'];
export type Forecast = Schemas['Forecast'];
export type StepForecast = Schemas['StepForecast'];

/** Whatever has a name and perhaps an environment. */
export type Named = Pick<Release, 'metadata'>;

/** Where documents live that name no environment. */
export const DEFAULT_ENVIRONMENT = 'production';

const FINAL: ReadonlySet<PhaseName> = new Set(['Succeeded', 'RolledBack', 'Aborted', 'Superseded', 'Failed']);

/** Whether a release has come to its end. After success the previous version may still be kept for a while. */
export const isFinal = (phase: PhaseName) => FINAL.has(phase);

/** Whether something may still happen to a release: what the API calls active. */
export const isActive = ({ phase, keptUntil }: ReleaseStatus) => !isFinal(phase) || (phase === 'Succeeded' && keptUntil != null);

export const environmentOf = (resource: Named) => resource.metadata.environment ?? DEFAULT_ENVIRONMENT;

/**
 * The newer of two states of one document. What comes live and what comes as an answer to a verb take different ways
 * to here; the order in which they arrive says nothing.
 */
export const newer = <T extends Named>(known: T, changed: T): T =>
  (known.metadata.resourceVersion ?? 0) > (changed.metadata.resourceVersion ?? 0) ? known : changed;

/** Where the dashboard shows a service. */
export const serviceAddress = (environment: string, name: string) =>
  `/services/${encodeURIComponent(environment)}/${encodeURIComponent(name)}`;

/** Where the dashboard shows a release. */
export const releaseAddress = (environment: string, name: string) =>
  `/releases/${encodeURIComponent(name)}${
    environment === DEFAULT_ENVIRONMENT ? '' : `?environment=${encodeURIComponent(environment)}`
  }`;
