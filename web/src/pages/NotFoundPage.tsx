import { Anchor, Text } from '@mantine/core';
import { Link } from 'wouter';
import { PageHead } from '../components/PageHead';

export function NotFoundPage() {
  return (
    <>
      <PageHead title="There is no such page" />
      <Text>
        Go to the{' '}
        <Anchor component={Link} href="/" underline="always">
          services
        </Anchor>{' '}
        or the{' '}
        <Anchor component={Link} href="/events" underline="always">
          event log
        </Anchor>
        .
      </Text>
    </>
  );
}
