import { ActionIcon, CopyButton } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import classes from './CommandLine.module.css';

interface Props {
  text: string;
  /** What it is, for the button that copies it: `the command`. */
  what: string;
}

/** Text for a terminal or a file, with a button that copies it. */
export function CommandLine({ text, what }: Props) {
  return (
    <div className={classes.box}>
      {text}
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ActionIcon
            className={classes.copy}
            variant="subtle"
            color="gray"
            c="var(--quiet)"
            onClick={copy}
            aria-label={copied ? 'Copied' : `Copy ${what}`}
          >
            {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          </ActionIcon>
        )}
      </CopyButton>
    </div>
  );
}
