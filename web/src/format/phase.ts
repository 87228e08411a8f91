// How phases, verbs and roles are called and which tone they have.

import type { PhaseName, Verb, VersionRole } from '../api/resources';

/** What a colour stands for; every tone comes with an icon or a word. */
export type Tone = 'active' | 'good' | 'ask' | 'wait' | 'warn' | 'bad' | 'quiet';

export const PHASES: Record<PhaseName, { label: string; tone: Tone }> = {
  Pending: { label: 'Pending', tone: 'quiet' },
  Waiting: { label: 'Waiting', tone: 'wait' },
  AwaitingApproval: { label: 'Awaiting approval', tone: 'ask' },
  Progressing: { label: 'Progressing', tone: 'active' },
  Paused: { label: 'Paused', tone: 'warn' },
  Promoting: { label: 'Promoting', tone: 'active' },
  Succeeded: { label: 'Succeeded', tone: 'good' },
  RollingBack: { label: 'Rolling back', tone: 'warn' },
  RolledBack: { label: 'Rolled back', tone: 'bad' },
  Aborted: { label: 'Aborted', tone: 'bad' },
  Superseded: { label: 'Superseded', tone: 'quiet' },
  Failed: { label: 'Failed', tone: 'bad' },
};

/** What a verb is called on its button, once it is done, and after `can`. */
export const VERBS: Record<Verb, { label: string; past: string; done: string }> = {
  promote: { label: 'Promote', past: 'Promoted', done: 'be promoted' },
  pause: { label: 'Pause', past: 'Paused', done: 'be paused' },
  resume: { label: 'Resume', past: 'Resumed', done: 'be resumed' },
  rollback: { label: 'Roll back', past: 'Rolled back', done: 'be rolled back' },
  abort: { label: 'Abort', past: 'Aborted', done: 'be aborted' },
  retry: { label: 'Retry', past: 'Retried', done: 'be retried' },
  approve: { label: 'Approve', past: 'Approved', done: 'be approved' },
  reject: { label: 'Reject', past: 'Rejected', done: 'be rejected' },
  override: { label: 'Go ahead anyway', past: 'Went ahead', done: 'go ahead by your word' },
};

/** The order of the buttons: going on first, taking back last. */
export const VERB_ORDER: Verb[] = ['promote', 'retry', 'resume', 'pause', 'override', 'rollback', 'abort'];

/** What is said at a gate; these stand beside what is known of it. */
export const GATE_VERBS: Verb[] = ['approve', 'reject', 'override'];

export const ROLES: Record<VersionRole, { label: string; meaning: string }> = {
  stable: { label: 'Stable', meaning: 'What people have.' },
  candidate: { label: 'Candidate', meaning: 'Being released.' },
  kept: { label: 'Kept', meaning: 'The previous version, kept so that the way back is instant.' },
  dark: { label: 'Dark', meaning: 'Deployed, but nobody meets it.' },
};
