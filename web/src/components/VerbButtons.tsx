import { Button } from '@mantine/core';
import {
  type Icon, IconAlertTriangle, IconArrowBackUp, IconPlayerPause, IconPlayerPlay, IconPlayerTrackNext, IconRefresh, IconThumbDown,
  IconThumbUp, IconX,
} from '@tabler/icons-react';
import type { ReleaseStatus, Verb } from '../api/resources';
import { takesBack } from '../format/consequence';
import { holdUp } from '../format/holdup';
import { GATE_VERBS, VERB_ORDER, VERBS } from '../format/phase';
import classes from './VerbButtons.module.css';

const ICONS: Record<Verb, Icon> = {
  promote: IconPlayerTrackNext,
  pause: IconPlayerPause,
  resume: IconPlayerPlay,
  abort: IconX,
  rollback: IconArrowBackUp,
  retry: IconRefresh,
  approve: IconThumbUp,
  reject: IconThumbDown,
  override: IconAlertTriangle,
};

/** What one mostly comes to do; no two of them are possible at once. */
const GOES_ON: ReadonlySet<Verb> = new Set(['promote', 'retry', 'approve']);

interface ButtonProps {
  verb: Verb;
  /** Where it stands that this cannot be done, and why: the id of that element. */
  impossible?: string | undefined;
  onVerb: (verb: Verb) => void;
}

/** A button for a verb. One that is impossible can be reached by keyboard too, so that the reason is heard. */
export function VerbButton({ verb, impossible, onVerb }: ButtonProps) {
  const VerbIcon = ICONS[verb];
  return (
    <Button
      variant={GOES_ON.has(verb) ? 'filled' : 'default'}
      className={takesBack(verb) && impossible === undefined ? classes.dangerQuiet : undefined}
      leftSection={<VerbIcon size={16} aria-hidden />}
      {...(impossible === undefined
        ? { onClick: () => onVerb(verb) }
        : { 'data-disabled': true, 'aria-disabled': true, 'aria-describedby': impossible, onClick: (event) => event.preventDefault() })}
    >
      {VERBS[verb].label}
    </Button>
  );
}

/** What would have been possible before the point of no return. */
const RETURNS: Verb[] = ['rollback', 'abort'];

interface Props {
  status: ReleaseStatus;
  /** The id of the element that says why nobody can be taken back, where that is so. */
  noReturn: string;
  onVerb: (verb: Verb) => void;
}

/** The verbs that would be accepted now. What is said at a gate stands there. */
export function VerbButtons({ status, noReturn, onVerb }: Props) {
  const elsewhere = holdUp(status) ? GATE_VERBS : [];
  const isPast = (verb: Verb) => status.noReturn != null && RETURNS.includes(verb) && !status.verbs.includes(verb);
  const shown = VERB_ORDER.filter((verb) => isPast(verb) || (status.verbs.includes(verb) && !elsewhere.includes(verb)));
  if (shown.length === 0) return null;
  return (
    <div className={classes.buttons} role="group" aria-label="What can be done now">
      {shown.map((verb) => (
        <VerbButton key={verb} verb={verb} onVerb={onVerb} impossible={isPast(verb) ? noReturn : undefined} />
      ))}
    </div>
  );
}
