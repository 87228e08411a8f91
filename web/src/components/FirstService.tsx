import { Stack, Text } from '@mantine/core';
import { CommandLine } from './CommandLine';
import { Panel } from './Panel';

const DOCUMENT = `apiVersion: sluice.dev/v1alpha1
kind: Service
metadata:
  name: checkout
spec:
  routes:
    - path: /
  versions:
    - { name: 1.0.0, endpoints: ["http://127.0.0.1:9001"] }
    - { name: 1.1.0, endpoints: ["http://127.0.0.1:9002"] }`;

/** What there is to see before there is a service: how to get one. */
export function FirstService() {
  return (
    <Panel title="Bring your first service">
      <Stack gap="md" maw={680}>
        <Text fz="sm">
          Save this as <span className="mono">service.yaml</span>, with the addresses of your own two servers. The first
          version is live from the start; the other one stays dark until you release it.
        </Text>
        <CommandLine text={DOCUMENT} what="the document" />
        <Text fz="sm">Then say these two commands. This page follows by itself.</Text>
        <CommandLine text="sluice apply -f service.yaml" what="the first command" />
        <CommandLine text="sluice release start checkout 1.1.0 --watch" what="the second command" />
      </Stack>
    </Panel>
  );
}
