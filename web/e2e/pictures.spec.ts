// Takes the pictures for the README: `SLUICE_PICTURES=1 npx playwright test pictures`. They show the real thing at work.

import { join } from 'node:path';
import { type Browser, expect, type Page, test } from '@playwright/test';
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
  // Some time before the releases is in the pictures too.
  await expect.poll(secondsOfTraffic, { timeout: 60_000 }).toBeGreaterThan(20);
});

async function secondsOfTraffic(): Promise<number> {
  const traffic = await (await fetch(`${controlPlane.url}/api/v1/services/checkout/traffic`)).json();
  return traffic.versions['2.0.3']?.points.length ?? 0;
}

test.afterAll(async () => {
  for (const one of visitors) one.stop();
  await controlPlane.remove();
  for (const endpoint of endpoints) endpoint.close();
});

const take = (page: Page, name: string) =>
  page.screenshot({ path: join(FOLDER, `${name}.png`), animations: 'disabled', fullPage: true });

async function open(browser: Browser, width: number, height: number): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: width < 600 ? 2 : 1.25, locale: 'en-GB' });
  await page.addInitScript(() => localStorage.setItem('sluice-actor', 'alice'));
  return page;
}

test('releases at work, on a screen and on a phone', async ({ browser }) => {
  const page = await open(browser, 1280, 600);
  const bad = await controlPlane.release('search', '5.4.1', 'careful', 'faster ranking');
  const good = await controlPlane.release('checkout', '2.1.0', 'careful', 'new payment form');
  await page.goto(`${controlPlane.url}/releases/${good}`);
  await expect(page.getByText(/^4\d\ss of 5\smin$/)).toBeVisible({ timeout: 180_000 });
  await take(page, 'dashboard-release');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await take(page, 'dashboard-release-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${controlPlane.url}/releases/${bad}`);
  await expect(page.getByRole('main').getByText('Rolled back', { exact: true }).first()).toBeVisible();
  await take(page, 'dashboard-rolled-back');
  await page.goto(controlPlane.url);
  await expect(page.getByRole('link', { name: 'Release of 2.1.0' })).toBeVisible();
  await take(page, 'dashboard-services');

  const phone = await open(browser, 390, 844);
  await phone.goto(`${controlPlane.url}/releases/${good}`);
  await expect(phone.getByRole('button', { name: 'Promote' })).toBeVisible();
  await phone.screenshot({ path: join(FOLDER, 'dashboard-phone.png'), animations: 'disabled' });
});
