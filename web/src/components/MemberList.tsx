import { Anchor } from '@mantine/core';
import { Link } from 'wouter';
import { type MemberStatus, serviceAddress } from '../api/resources';
import { tied } from '../format/number';
import classes from './MemberList.module.css';
import { SplitBar } from './SplitBar';

/** The services that are released together, in the order in which they go up, each with its versions and shares. */
export function MemberList({ members, environment }: { members: MemberStatus[]; environment: string }) {
  return (
    <ol className={classes.list}>
      {members.map(({ service, from, to, share }, i) => (
        <li key={service} className={classes.member}>
          <span className={classes.place} aria-hidden>
            {i + 1}
          </span>
          <div>
            <Anchor component={Link} href={serviceAddress(environment, service)} fw={600} fz="sm" className="name">
              {service}
            </Anchor>
            <div className={classes.audience}>
              Who meets {to}: {tied(share.audience)}
            </div>
          </div>
          <SplitBar from={from} to={to} candidate={share.candidate} />
        </li>
      ))}
    </ol>
  );
}
