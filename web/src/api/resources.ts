// The documents as the dashboard uses them. In the OpenAPI document a resource's spec and status are open, since they
// depend on its kind; here they get the types of their kind.

import type { components } from './schema';

type Schemas = components['schemas'];

export type Resource = Schemas['Resource'];
export type ReleaseSpec = Schemas['ReleaseSpec'];
export type ReleaseStatus = Schemas['ReleaseStatus'];
export type ServiceSpec = Schemas['ServiceSpec'];
export type ServiceStatus = Schemas['ServiceStatus'];
export type VersionStatus = Schemas['VersionStatus'];
export type VersionRole = Schemas['VersionRole'];
export type PolicySpec = Schemas['PolicySpec'];
export type PhaseName = Schemas['PhaseName'];
export type Verb = Schemas['Verb'];
export type Verdict = Schemas['Verdict'];
export type VerdictStatus = Schemas['VerdictStatus'];
export type StepStatus = Schemas['StepStatus'];
export type TimelineEntry = Schemas['TimelineEntry'];
export type EventRecord = Schemas['EventRecord'];
export type Kind = Schemas['Kind'];
export type Traffic = Schemas['Traffic'];
export type TrafficPoint = Schemas['TrafficPoint'];
export type Problem = Schemas['Problem'];
export type ReleaseRequest = Schemas['ReleaseRequest'];

export type Release = Resource & { spec: ReleaseSpec; status: ReleaseStatus };
export type Service = Resource & { spec: ServiceSpec; status: ServiceStatus };
export type Policy = Resource & { spec: PolicySpec };

/** Where documents live that name no environment. */
export const DEFAULT_ENVIRONMENT = 'production';

const FINAL: ReadonlySet<PhaseName> = new Set(['Succeeded', 'RolledBack', 'Aborted', 'Superseded', 'Failed']);

/** Whether nothing more will happen to a release by itself. */
export const isFinal = (phase: PhaseName) => FINAL.has(phase);

export const environmentOf = (resource: Resource) => resource.metadata.environment ?? DEFAULT_ENVIRONMENT;

/** Where the dashboard shows a service. */
export const serviceAddress = (environment: string, name: string) =>
  `/services/${encodeURIComponent(environment)}/${encodeURIComponent(name)}`;

/** Where the dashboard shows a release. */
export const releaseAddress = (environment: string, name: string) =>
  `/releases/${encodeURIComponent(name)}${
    environment === DEFAULT_ENVIRONMENT ? '' : `?environment=${encodeURIComponent(environment)}`
  }`;
