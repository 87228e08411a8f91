// Takes the pictures for the README: `SLUICE_PICTURES=1 npx playwright test pictures`. They show the real thing at work.

import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { type ControlPlane, policy, service, startControlPlane } from './control-plane';
import { type Endpoint, startEndpoint } from './endpoint';
import { sendVisitors, type Visitors } from './visitors';

const FOLDER = join(import.meta.dirname, '../../docs/images');

test.skip(process.env.SLUICE_PICTURES !== '1', 'only when SLUICE_PICTURES=1');
test.setTimeout(300_000);

const VERSIONS = {
  checkout: { '2.0.3': { latency: 34, failsEvery: 400 }, '2.1.0': { latency: 33, failsEvery: 450 } },
  catalogue: { '1.8.2': { latency: 12, failsEvery: 0 }, '1.9.0': { latency: 12, failsEvery: 0 } },
  search: { '5.4.0': { latency: 18, failsEvery: 0 }, '5.4.1': { latency: 18, failsEvery: 5 } },
};

let controlPlane: ControlPlane;
const endpoints: Endpoint[] = [];
const visitors: Visitors[] = [];

async function addService(name: keyof typeof VERSIONS) {
  const addresses: Record<string, string> = {};
  for (const [version, behaviour] of Object.entries(VERSIONS[name])) {
    const endpoint = await startEndpoint(version, behaviour);
    endpoints.push(endpoint);
    addresses[version] = endpoint.address;
  }
  await controlPlane.apply(service(name, `${name}.example.com`, addresses));
}

test.beforeAll(async () => {
  controlPlane = await startControlPlane();
  const compared = [
    { metric: 'http.errors', compare: 'stable', tolerate: '1pp', confidence: '99%' },
    { metric: 'http.latency', quantile: 0.95, compare: 'stable', tolerate: '25%', confidence: '99%' },
    { metric: 'http.errors', max: '5%' },
  ];
  await controlPlane.apply(
    policy('careful', 'A few people first, then more.', [['first', 1, '10s'], ['few', 10, '15s'], ['quarter', 25, '5m'], ['half', 50, '5m'], ['all', 100, '10m']], compared),
  );
  for (const name of ['checkout', 'catalogue', 'search'] as const) await addService(name);
  visitors.push(sendVisitors(controlPlane.gateway, 'checkout.example.com', 140), sendVisitors(controlPlane.gateway, 'search.example.com', 60));
});

test.afterAll(async () => {
  for (const one of visitors) one.stop();
  await controlPlane.remove();
  for (const endpoint of endpoints) endpoint.close();
});

const take = (page: Page, name: string) => page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled' });

test('a release at work, on a screen and on a phone', async ({ browser }) => {
  const screen = { viewport: { width: 1280, height: 1040 }, deviceScaleFactor: 1.5, locale: 'en-GB' };
  const page = await browser.newPage(screen);
  await controlPlane.release('search', '5.4.1', 'careful', 'faster ranking');
  const name = await controlPlane.release('checkout', '2.1.0', 'careful', 'new payment form');
  await page.goto(`${controlPlane.url}/releases/${name}`);
  await expect(page.getByText(/^4\d\ss of 5\smin$/)).toBeVisible({ timeout: 180_000 });
  await take(page, 'dashboard-release');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await take(page, 'dashboard-release-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(controlPlane.url);
  await expect(page.getByRole('link', { name: 'Release of 2.1.0' })).toBeVisible();
  await page.setViewportSize({ width: 1280, height: 560 });
  await take(page, 'dashboard-services');

  const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, locale: 'en-GB' });
  await phone.goto(`${controlPlane.url}/releases/${name}`);
  await expect(phone.getByRole('button', { name: 'Promote' })).toBeVisible();
  await take(phone, 'dashboard-phone');
});
