import { IconCircleCheck, IconCircleX, IconHelpCircle } from '@tabler/icons-react';
import type { VerdictStatus } from '../api/resources';
import { tied } from '../format/number';
import classes from './VerdictList.module.css';

const VERDICTS = {
  pass: { label: 'Pass', Icon: IconCircleCheck },
  fail: { label: 'Fail', Icon: IconCircleX },
  inconclusive: { label: 'Inconclusive', Icon: IconHelpCircle },
};

function List({ verdicts, label }: { verdicts: VerdictStatus[]; label?: string }) {
  return (
    <ul className={classes.list} aria-label={label}>
      {verdicts.map(({ check, verdict, text }) => {
        const { label, Icon } = VERDICTS[verdict];
        return (
          <li key={check} className={classes.item}>
            <span className={`${classes.verdict} ${classes[verdict]}`}>
              <Icon size={17} aria-hidden />
              {label}
            </span>
            <div>
              <div className={classes.text}>{tied(text)}</div>
              <div className={classes.check}>{tied(check)}</div>
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** What each check says: a word, a sentence with the numbers, and what it was asked; by service when there are several. */
export function VerdictList({ verdicts }: { verdicts: VerdictStatus[] }) {
  const services = [...new Set(verdicts.map(({ service }) => service))];
  if (services.length < 2) return <List verdicts={verdicts} />;
  return (
    <div className={classes.groups}>
      {services.map((service) => (
        <div key={service}>
          <h3 className={classes.service}>{service}</h3>
          <List verdicts={verdicts.filter((verdict) => verdict.service === service)} label={`Checks of ${service}`} />
        </div>
      ))}
    </div>
  );
}
