import { Button, UnstyledButton } from '@mantine/core';
import {
  type Icon, IconArrowBackUp, IconArrowsSplit2, IconBan, IconFlag, IconHourglass, IconPlayerPause, IconPlayerPlay, IconPlus,
  IconScale, IconStairsUp, IconTrash,
} from '@tabler/icons-react';
import { useState } from 'react';
import type { TimelineEntry } from '../api/resources';
import { tied } from '../format/number';
import { clock } from '../format/time';
import { At } from './Ago';
import classes from './Timeline.module.css';

const KINDS: Record<TimelineEntry['kind'], { Icon: Icon; tone?: 'good' | 'bad' | 'warn' | 'active' }> = {
  created: { Icon: IconPlus },
  waiting: { Icon: IconHourglass },
  started: { Icon: IconPlayerPlay, tone: 'active' },
  step: { Icon: IconStairsUp, tone: 'active' },
  traffic: { Icon: IconArrowsSplit2 },
  verdict: { Icon: IconScale },
  paused: { Icon: IconPlayerPause, tone: 'warn' },
  resumed: { Icon: IconPlayerPlay, tone: 'active' },
  'rolling-back': { Icon: IconArrowBackUp, tone: 'bad' },
  ended: { Icon: IconFlag },
  released: { Icon: IconTrash },
  refused: { Icon: IconBan, tone: 'warn' },
};

/** How many entries are shown at first. */
const FIRST = 12;

interface Props {
  entries: TimelineEntry[];
  /** Shows what the checks said at a moment. */
  onMoment: (at: string) => void;
}

/** What happened to a release, newest first. */
export function Timeline({ entries, onMoment }: Props) {
  const [isWhole, setWhole] = useState(false);
  const newestFirst = entries.toReversed();
  const shown = isWhole ? newestFirst : newestFirst.slice(0, FIRST);
  return (
    <>
      <ol className={classes.list} reversed>
        {shown.map(({ at, kind, text, actor }, i) => {
          const { Icon: KindIcon, tone } = KINDS[kind];
          return (
            <li key={entries.length - i} className={classes.entry}>
              <span className={`${classes.icon} ${tone ? classes[tone] : ''}`}>
                <KindIcon size={16} aria-hidden />
              </span>
              <div>
                <div className={classes.text}>{tied(text)}</div>
                <div className={classes.meta}>
                  <At at={at} />
                  {actor && ` · ${actor}`}
                  {' · '}
                  <UnstyledButton
                    className={classes.then}
                    onClick={() => onMoment(at)}
                    aria-label={`Checks then, at ${clock(Date.parse(at))}`}
                  >
                    Checks then
                  </UnstyledButton>
                </div>
              </div>
            </li>
          );
        })}
      </ol>
      {newestFirst.length > shown.length && (
        <Button variant="default" size="xs" mt="sm" onClick={() => setWhole(true)}>
          Show all {newestFirst.length}
        </Button>
      )}
    </>
  );
}
