import { ActionIcon, Button, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { IconMoon, IconSun, IconUser } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useActor } from '../actor';
import { ActorMenu } from './ActorMenu';
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
  return (
    <ActorMenu>
      {(toggle) => (
        <Button
          variant="subtle"
          color="gray"
          size="compact-md"
          c="var(--quiet)"
          className={classes.actor}
          leftSection={<IconUser size={16} aria-hidden />}
          onClick={toggle}
          fw={500}
          fz="sm"
        >
          <span className={classes.actorWords}>
            {name && <span className={classes.actorLead}>You act as </span>}
            {name || 'Your name'}
          </span>
        </Button>
      )}
    </ActorMenu>
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
            <NavLink href="/environments" isCurrent={location === '/environments'}>
              Environments
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
