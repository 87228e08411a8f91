import { ActionIcon, Button, Popover, Stack, Text, TextInput, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconMoon, IconSun, IconUser } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { setActor, useActor } from '../actor';
import { useConnection } from './LiveConnection';
import classes from './Shell.module.css';

function Brand() {
  return (
    <Link href="/" className={classes.brand} aria-label="Sluice, to the services">
      <img src="/icon.svg" alt="" width={26} height={26} />
      <span className={classes.brandName}>Sluice</span>
    </Link>
  );
}

function NavLink({ href, children, isCurrent }: { href: string; children: ReactNode; isCurrent: boolean }) {
  return (
    <Link href={href} className={classes.link} aria-current={isCurrent ? 'page' : undefined}>
      {children}
    </Link>
  );
}

function ActorButton() {
  const name = useActor();
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={280} trapFocus withArrow>
      <Popover.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-md"
          c="var(--quiet)"
          leftSection={<IconUser size={16} aria-hidden />}
          onClick={() => setOpen(!isOpen)}
          maw={160}
          fw={500}
          fz="sm"
        >
          {name || 'Your name'}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            setActor(String(new FormData(event.currentTarget).get('actor') ?? ''));
            setOpen(false);
          }}
        >
          <Stack gap="sm">
            <TextInput name="actor" label="Your name" defaultValue={name} maxLength={64} autoComplete="username" data-autofocus />
            <Text fz="xs" c="dimmed">
              It goes into the event log with everything that you do here. This browser remembers it.
            </Text>
            <Button type="submit" size="xs">
              Save
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function ColorSchemeButton() {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme('light') === 'dark';
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      c="var(--quiet)"
      size="lg"
      aria-label={isDark ? 'Switch to light colours' : 'Switch to dark colours'}
      onClick={() => setColorScheme(isDark ? 'light' : 'dark')}
    >
      {isDark ? <IconSun size={18} aria-hidden /> : <IconMoon size={18} aria-hidden />}
    </ActionIcon>
  );
}

/** What is around every page: the way to the others, who acts, and whether the page is live. */
export function Shell({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const connection = useConnection();
  return (
    <>
      <a href="#content" className="skip">
        Skip to the content
      </a>
      <header className={classes.header}>
        <div className={classes.bar}>
          <Brand />
          <nav className={classes.nav} aria-label="Main">
            <NavLink href="/" isCurrent={location === '/' || location.startsWith('/services/') || location.startsWith('/releases/')}>
              Services
            </NavLink>
            <NavLink href="/events" isCurrent={location === '/events'}>
              Events
            </NavLink>
          </nav>
          <div className={classes.tools}>
            <ActorButton />
            <ColorSchemeButton />
          </div>
        </div>
        <div role="status">
          {connection === 'lost' && (
            <div className={classes.lost}>
              Connection to the control plane lost. What you see may be old. Reconnecting…
            </div>
          )}
        </div>
      </header>
      <main id="content" className={classes.main} tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
