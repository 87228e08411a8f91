import { Button, Skeleton, TextInput } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconHelpCircle, IconRosetteDiscountCheck } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { accountQuery } from '../api/queries';
import type { Account, CheckAccount, EffectInterval, EvidenceAccount, Release } from '../api/resources';
import { serverTime } from '../clock';
import { amount, evidenceReach, falseAlarms, intervalPlaces, intervalWords, say } from '../format/account';
import { count, tied } from '../format/number';
import { PHASES } from '../format/phase';
import { ended, sentence } from '../format/sentence';
import { absolute, fieldTime } from '../format/time';
import classes from './Explanation.module.css';
import { ProblemAlert } from './Trouble';

const SAYS = {
  proved: { label: 'Pass, proved', Icon: IconRosetteDiscountCheck },
  unharmed: { label: 'Pass, no sign of harm', Icon: IconCircleCheck },
  fail: { label: 'Fail', Icon: IconCircleX },
  inconclusive: { label: 'Inconclusive', Icon: IconHelpCircle },
};

const percent = (place: number) => `${place * 100}%`;

function Interval({ interval }: { interval: EffectInterval }) {
  const places = intervalPlaces(interval);
  return (
    <div className={classes.fact}>
      {intervalWords(interval)}
      {places && (
        <>
          <div className={classes.bar} aria-hidden>
            <div
              className={`${classes.range} ${places.isOpenLow ? classes.openLow : ''} ${places.isOpenHigh ? classes.openHigh : ''}`}
              style={{ left: percent(places.low), width: percent(Math.max(0, places.high - places.low)) }}
            />
            <div className={classes.alike} style={{ left: percent(places.alike) }} />
            {places.estimate !== undefined && <div className={classes.estimate} style={{ left: percent(places.estimate) }} />}
          </div>
          <div className={classes.ends} aria-hidden>
            <span>less than stable</span>
            <span>more than stable</span>
          </div>
        </>
      )}
    </div>
  );
}

function Evidence({ evidence }: { evidence: EvidenceAccount }) {
  const reach = evidenceReach(evidence);
  return (
    <div className={classes.fact}>
      Evidence against the candidate: <strong>{amount(evidence.now)}</strong> of {amount(evidence.needed)}
      <div className={classes.bar} aria-hidden>
        <div className={`${classes.reach} ${reach >= 1 ? classes.reached : ''}`} style={{ width: percent(reach) }} />
      </div>
      <div className={classes.ends} aria-hidden>
        <span>1, none</span>
        <span>{amount(evidence.needed)}, fails</span>
      </div>
    </div>
  );
}

function Check({ check, isOfSeveral }: { check: CheckAccount; isOfSeveral: boolean }) {
  const said = say(check);
  const { label, Icon } = SAYS[said];
  return (
    <li className={classes.item}>
      <span className={`${classes.verdict} ${classes[said]}`}>
        <Icon size={17} aria-hidden />
        {label}
      </span>
      <div>{ended(tied(check.text))}</div>
      <div className={classes.check}>
        {isOfSeveral && `${check.service}: `}
        {tied(check.check)}
      </div>
      {check.interval && <Interval interval={check.interval} />}
      {check.evidence && <Evidence evidence={check.evidence} />}
      {check.change && (
        <div className={classes.fact}>
          <strong>What would change it:</strong> {tied(check.change)}
        </div>
      )}
      <div className={`${classes.fact} ${classes.note}`}>
        How: {ended(check.method.words)}
        {check.method.source && ` Source: ${ended(check.method.source)}`}
        {` Counted: ${count(check.candidateSamples)} on the candidate, ${count(check.stableSamples)} on stable.`}
      </div>
    </li>
  );
}

function Whole({ account }: { account: Account }) {
  const isOfSeveral = new Set(account.checks.map(({ service }) => service)).size > 1;
  return (
    <>
      <div className={classes.head} data-testid="account">
        <div>
          <strong>{PHASES[account.phase].label}</strong>, as of <time dateTime={account.at}>{absolute(Date.parse(account.at))}</time>:{' '}
          {sentence(tied(account.reason))}
        </div>
        <div className={classes.note}>
          Who meets {account.to}: {ended(tied(account.audience))}
          {account.falseAlarm != null && ` ${falseAlarms(account.falseAlarm)}`}
        </div>
      </div>
      {account.checks.length === 0 && <div className={classes.note}>No check was asked for.</div>}
      <ul className={classes.list}>
        {account.checks.map((check) => (
          <Check key={`${check.service} ${check.check}`} check={check} isOfSeveral={isOfSeveral} />
        ))}
      </ul>
    </>
  );
}

interface Props {
  release: Release;
  /** The moment that is looked at; now when absent. */
  at: string | undefined;
  onMoment: (at: string | undefined) => void;
}

/** Why every check says what it says, now or at a moment before. */
export function Explanation({ release, at, onMoment }: Props) {
  const { data, error, isPending } = useQuery({ ...accountQuery(release, at), ...(!at && { placeholderData: keepPreviousData }) });
  return (
    <>
      <div className={classes.moment}>
        <TextInput
          type="datetime-local"
          step={1}
          size="xs"
          label="As it stood at"
          max={fieldTime(serverTime())}
          value={at ? fieldTime(Date.parse(at)) : ''}
          onChange={({ currentTarget: { value } }) => onMoment(value ? new Date(value).toISOString() : undefined)}
        />
        {at && (
          <Button variant="default" size="xs" onClick={() => onMoment(undefined)}>
            Back to now
          </Button>
        )}
      </div>
      {data ? (
        <Whole account={data} />
      ) : isPending ? (
        <Skeleton height={140} role="status" aria-busy aria-label="Looking up why" />
      ) : (
        <ProblemAlert error={error} />
      )}
    </>
  );
}
