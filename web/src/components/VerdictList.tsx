import { IconCircleCheck, IconCircleX, IconHelpCircle } from '@tabler/icons-react';
import type { VerdictStatus } from '../api/resources';
import { tied } from '../format/number';
import classes from './VerdictList.module.css';

const VERDICTS = {
  pass: { label: 'Pass', Icon: IconCircleCheck },
  fail: { label: 'Fail', Icon: IconCircleX },
  inconclusive: { label: 'Inconclusive', Icon: IconHelpCircle },
};

/** What each check says: a word, a sentence with the numbers, and what it was asked. */
export function VerdictList({ verdicts }: { verdicts: VerdictStatus[] }) {
  return (
    <ul className={classes.list}>
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
