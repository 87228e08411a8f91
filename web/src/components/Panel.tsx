import { type ReactNode, useId } from 'react';
import classes from './Panel.module.css';

interface Props {
  title: string;
  /** A remark beside the title. */
  note?: ReactNode;
  children: ReactNode;
}

/** A part of a page, with a heading. */
export function Panel({ title, note, children }: Props) {
  const id = useId();
  return (
    <section className={classes.panel} aria-labelledby={id}>
      <div className={classes.head}>
        <h2 id={id} className={classes.title}>
          {title}
        </h2>
        {note && <div className={classes.note}>{note}</div>}
      </div>
      <div className={classes.body}>{children}</div>
    </section>
  );
}
