import { share } from '../format/number';
import { RoleMark } from './Badge';
import classes from './SplitBar.module.css';

const PARTS = 100_000;

interface Props {
  from: string;
  to: string;
  /** The candidate's share, parts per 100 000. */
  candidate: number;
  isLarge?: boolean;
}

/** How people are split between stable and the candidate: a bar, and the same in words below it. */
export function SplitBar({ from, to, candidate, isLarge = false }: Props) {
  const stable = PARTS - candidate;
  return (
    <div>
      <div className={`${classes.bar} ${isLarge ? classes.large : ''} ${stable > 0 && candidate > 0 ? classes.both : ''}`} aria-hidden>
        <div className={`${classes.stable} ${stable > 0 ? classes.some : ''}`} style={{ flexGrow: stable }} />
        <div className={`${classes.candidate} ${candidate > 0 ? classes.some : ''}`} style={{ flexGrow: candidate }} />
      </div>
      <div className={classes.labels}>
        <span className={classes.label}>
          <RoleMark role="stable" />
          <span className={`${classes.share} number`}>{share(stable)}</span>
          <span className={classes.version}>{from}</span>
        </span>
        <span className={classes.label}>
          <RoleMark role="candidate" />
          <span className={`${classes.share} number`} data-testid="candidate-share">{share(candidate)}</span>
          <span className={classes.version}>{to}</span>
        </span>
      </div>
    </div>
  );
}
