import { Alert, Button, Skeleton, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ProblemError } from '../api/problem';
import { PageHead } from './PageHead';

/** A refusal or a failure as the control plane put it: what went wrong, and how to mend it. */
export function ProblemAlert({ error }: { error: unknown }) {
  const problem = error instanceof ProblemError ? error : undefined;
  return (
    <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle aria-hidden />} c="var(--bad)">
      <Text fz="sm" fw={600} c="var(--bad)">
        {problem?.detail ?? 'Something went wrong in this page.'}
      </Text>
      {(problem ? problem.hint : String(error)) && (
        <Text fz="sm" mt={2} c="var(--mantine-color-text)">
          {problem ? problem.hint : String(error)}
        </Text>
      )}
    </Alert>
  );
}

interface Props<T> {
  query: UseQueryResult<T>;
  /** The head of the page until the data brings its own. */
  title?: string;
  children: (data: T) => ReactNode;
}

/** What was asked for, once it is there; until then grey shapes, and on trouble the reason. */
export function Loaded<T>({ query, title, children }: Props<T>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) {
    return (
      <Stack align="flex-start">
        {title && <PageHead title={title} />}
        <ProblemAlert error={query.error} />
        <Button variant="default" size="xs" onClick={() => void query.refetch()}>
          Try again
        </Button>
      </Stack>
    );
  }
  return <Loading {...(title && { title })} />;
}

/** Grey shapes where something will be. */
export function Loading({ title }: { title?: string }) {
  return (
    <Stack gap="sm" role="status" aria-busy="true" aria-label="Loading">
      {title && <PageHead title={title} />}
      <Skeleton height={28} width="40%" />
      <Skeleton height={90} />
      <Skeleton height={90} />
    </Stack>
  );
}
