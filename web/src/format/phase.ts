// How phases, verbs and roles are called and which tone they have.

import type { PhaseName, Verb, VersionRole } from '../api/resources';

/** What a colour stands for; every tone comes with an icon or a word. */
export type Tone = 'active' | 'good' | 'warn' | 'bad' | 'quiet';

export const PHASES: Record<PhaseName, { label: string; tone: Tone }> = {
  Pending: { label: 'Pending', tone: 'quiet' },
  Waiting: { label: 'Waiting', tone: 'quiet' },
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

export const VERBS: Record<Verb, { label: string; past: string }> = {
  promote: { label: 'Promote', past: 'Promoted' },
  pause: { label: 'Pause', past: 'Paused' },
  resume: { label: 'Resume', past: 'Resumed' },
  rollback: { label: 'Roll back', past: 'Rolled back' },
  abort: { label: 'Abort', past: 'Aborted' },
  retry: { label: 'Retry', past: 'Retried' },
};

/** The order of the buttons: going on first, taking back last. */
export const VERB_ORDER: Verb[] = ['promote', 'retry', 'resume', 'pause', 'rollback', 'abort'];

export const ROLES: Record<VersionRole, { label: string; meaning: string }> = {
  stable: { label: 'Stable', meaning: 'What people have.' },
  candidate: { label: 'Candidate', meaning: 'Being released.' },
  kept: { label: 'Kept', meaning: 'The previous version, kept so that the way back is instant.' },
  dark: { label: 'Dark', meaning: 'Deployed, but nobody meets it.' },
};
