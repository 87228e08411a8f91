import { Button, Popover, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { setActor, useActor } from '../actor';

/** A button, made by what is inside, that opens a small form for who acts. */
export function ActorMenu({ children }: { children: (toggle: () => void) => ReactNode }) {
  const name = useActor();
  const [isOpen, setOpen] = useState(false);
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" width={280} trapFocus withArrow>
      <Popover.Target>{children(() => setOpen(!isOpen))}</Popover.Target>
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
              You act under this name: it goes into the event log, and roles are given to it. This browser remembers it.
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
