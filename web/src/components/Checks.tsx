import { Button, Text } from '@mantine/core';
import { isFinal, type Release } from '../api/resources';
import { Explanation } from './Explanation';
import { Panel } from './Panel';
import { VerdictList } from './VerdictList';

/** Whether the checks are explained, and as of when: a moment, or now. */
export type Look = { at: string | undefined } | undefined;

interface Props {
  release: Release;
  look: Look;
  onLook: (look: Look) => void;
}

/** What the checks say; on demand, why they say it. */
export function Checks({ release, look, onLook }: Props) {
  const { phase, verdicts } = release.status;
  return (
    <Panel
      title="Checks"
      note={
        <Button variant="default" size="xs" aria-expanded={look !== undefined} onClick={() => onLook(look ? undefined : { at: undefined })}>
          {look ? 'In short' : 'Explain'}
        </Button>
      }
    >
      {look ? (
        <Explanation release={release} at={look.at} onMoment={(at) => onLook({ at })} />
      ) : verdicts.length > 0 ? (
        <VerdictList verdicts={verdicts} />
      ) : (
        <Text fz="sm" c="dimmed">
          {isFinal(phase) ? 'No check has said anything.' : 'The checks begin when people meet the candidate.'}
        </Text>
      )}
    </Panel>
  );
}
