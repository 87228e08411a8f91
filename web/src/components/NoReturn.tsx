import { IconLock } from '@tabler/icons-react';
import type { ReleaseStatus } from '../api/resources';
import { ended } from '../format/sentence';
import classes from './NoReturn.module.css';

/** That nobody can be taken back any more, and why. */
export function NoReturn({ status, id }: { status: ReleaseStatus; id: string }) {
  if (status.noReturn == null) return null;
  return (
    <div className={classes.notice} id={id}>
      <IconLock size={20} aria-hidden />
      <div>
        <strong>Past the point of no return.</strong> Nobody can be taken back to {status.from} any more: {ended(status.noReturn)}
      </div>
    </div>
  );
}
