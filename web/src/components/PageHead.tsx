import { Fragment, type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'wouter';
import classes from './PageHead.module.css';

interface Props {
  title: string;
  /** What the browser's tab says, when not the title. */
  tab?: string;
  /** The way here. */
  crumbs?: { text: string; href: string }[];
  /** Beside the title. */
  badge?: ReactNode;
  sub?: ReactNode;
  /** At the right, or below on a phone. */
  actions?: ReactNode;
}

let isFirstPage = true;

/** The head of a page. Takes the focus when one comes here from another page, as after a load. */
export function PageHead({ title, tab, crumbs, badge, sub, actions }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus({ preventScroll: true });
    if (!isFirstPage) window.scrollTo(0, 0);
    isFirstPage = false;
  }, []);
  useEffect(() => {
    document.title = `${tab ?? title} · Sluice`;
  }, [tab, title]);
  return (
    <div>
      {crumbs && (
        <nav aria-label="Breadcrumbs" className={classes.crumbs}>
          {crumbs.map(({ text, href }, i) => (
            <Fragment key={href}>
              {i > 0 && <span aria-hidden>/</span>}
              <Link href={href}>{text}</Link>
            </Fragment>
          ))}
        </nav>
      )}
      <div className={classes.row}>
        <div>
          <div className={classes.titleRow}>
            <h1 ref={heading} tabIndex={-1} className={classes.title}>
              {title}
            </h1>
            {badge}
          </div>
          {sub && <div className={classes.sub}>{sub}</div>}
        </div>
        {actions}
      </div>
    </div>
  );
}
