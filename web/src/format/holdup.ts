// What holds a release up from outside: people, another program, another service, the calendar. In words.

import type { EnvironmentSpec, GateStatus, ReleaseStatus, Verb } from '../api/resources';
import { ended } from './sentence';

const either = new Intl.ListFormat('en-GB', { type: 'disjunction' });
const both = new Intl.ListFormat('en-GB');

/** What a release waits for. */
export interface HoldUp {
  kind: 'approval' | 'webhook' | 'version' | 'calendar';
  /** `Waits for approval: product`. */
  title: string;
  /** More sentences about it. */
  facts: string[];
  /** Until when it is waited for. */
  until?: string;
}

/** `1.4.0 or newer` for `>=1.4.0`. */
const need = (text: string) => text.replace(/>=\s*(\S+)/, '$1 or newer');

/** What the step that a release stands in asks for, as the API words it. */
const asked = ({ steps }: ReleaseStatus) => steps.find(({ state }) => state === 'current')?.audience ?? '';

function approval({ roles, count }: GateStatus): Pick<HoldUp, 'title' | 'facts'> {
  return {
    title: `Waits for approval: ${either.format(roles)}`,
    facts: [`It takes ${count === 1 ? 'one person' : `${count} people`} with the role ${either.format(roles)}`],
  };
}

function webhook(status: ReleaseStatus, { said }: GateStatus): Pick<HoldUp, 'title' | 'facts'> {
  const url = asked(status).split(' ')[0];
  return {
    title: 'Waits for another program',
    facts: [`${url || 'It'} has to say that all is well.`, said ? `It said last: ${ended(said)}` : 'It has said nothing yet.'],
  };
}

function version(status: ReleaseStatus, { said }: GateStatus): Pick<HoldUp, 'title' | 'facts'> {
  const [service = 'another service', wanted = ''] = asked(status).split(' has ');
  return {
    title: `Waits for ${service}`,
    facts: [`${service} has to have ${need(wanted)}.`, said ? `It has ${said} now.` : 'It has no version yet.'],
  };
}

/** What a release waits for from outside, if it does. */
export function holdUp(status: ReleaseStatus): HoldUp | undefined {
  const { gate, reason, phase } = status;
  if (!gate) {
    if (reason.code !== 'closed' || phase !== 'Waiting') return undefined;
    return { kind: 'calendar', title: 'Waits for the calendar', facts: ['Whoever has the new version keeps it. Taking people back is possible at any time.'] };
  }
  const until = gate.expiresAt;
  switch (gate.kind) {
    case 'approval':
      return { kind: 'approval', ...approval(gate), until };
    case 'webhook':
      return { kind: 'webhook', ...webhook(status, gate), until };
    default:
      return { kind: 'version', ...version(status, gate), until };
  }
}

/** Who has any of these roles: `anna and ben`. Nothing where the environment does not say. */
export function peopleWith(roles: readonly string[], spec: EnvironmentSpec | null | undefined): string[] {
  return [...new Set(roles.flatMap((role) => spec?.roles?.[role] ?? []))];
}

/** Why somebody cannot give a verb at a gate, as far as can be told from here. Nothing when they can, or when nobody said who they are. */
export function cannot(verb: Verb, actor: string, status: ReleaseStatus, spec: EnvironmentSpec | null | undefined): string | undefined {
  if (!actor) return undefined;
  if (verb === 'override') return cannotOverride(actor, spec);
  const { gate, startedBy } = status;
  if (!gate || gate.kind !== 'approval' || (verb !== 'approve' && verb !== 'reject')) return undefined;
  if (verb === 'approve' && gate.given.some((given) => given.actor === actor)) return 'You have approved already.';
  if (verb === 'approve' && gate.fourEyes && actor === startedBy) return 'You started this release, so that somebody else has to approve it.';
  const people = peopleWith(gate.roles, spec);
  if (people.length > 0 && !people.includes(actor)) return `${both.format(people)} can approve or reject, you cannot.`;
  return undefined;
}

function cannotOverride(actor: string, spec: EnvironmentSpec | null | undefined): string | undefined {
  // Where nobody is named, everybody may.
  if (!spec?.override) return undefined;
  const people = peopleWith(spec.override, spec);
  if (people.includes(actor)) return undefined;
  return people.length > 0 ? `Only ${either.format(people)} may go ahead anyway.` : 'Nobody may go ahead anyway here.';
}
