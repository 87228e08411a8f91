import { expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './accessible';
import { type ControlPlane, policy, service, startControlPlane } from './control-plane';
import { type Endpoint, startEndpoint } from './endpoint';
import { sendVisitors, type Visitors } from './visitors';

let controlPlane: ControlPlane;
let endpoints: Endpoint[];
let visitors: Visitors;

test.beforeEach(async () => {
  controlPlane = await startControlPlane();
  endpoints = await Promise.all([
    startEndpoint('2.0.3', { latency: 20, failsEvery: 0 }),
    startEndpoint('2.1.0', { latency: 20, failsEvery: 0 }),
  ]);
  const [stable, candidate] = endpoints.map(({ address }) => address);
  await controlPlane.apply(
    policy('stepwise', 'Small until somebody promotes, then half.', [['small', 10], ['more', 30, '2s'], ['half', 50]], [
      { metric: 'http.errors', max: '20%', sample: 20 },
    ]),
    service('checkout', 'shop.example.com', { '2.0.3': stable ?? '', '2.1.0': candidate ?? '' }),
  );
  visitors = sendVisitors(controlPlane.gateway, 'shop.example.com', 80);
});

test.afterEach(async () => {
  visitors.stop();
  await controlPlane.remove();
  for (const endpoint of endpoints) endpoint.close();
});

const step = (page: Page, name: string) => page.getByRole('region', { name: 'Where the release stands' }).getByRole('listitem').filter({ hasText: name });

const share = (page: Page) => page.getByTestId('candidate-share');

async function startFromTheService(page: Page) {
  await page.goto(controlPlane.url);
  await page.getByRole('link', { name: 'checkout', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'checkout' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Start a release' }).click();
  const dialog = page.getByRole('dialog', { name: 'Start a release of checkout' });
  await dialog.getByRole('combobox', { name: 'Policy' }).click();
  await dialog.getByRole('option', { name: /stepwise/ }).click();
  await expect(dialog.getByRole('region', { name: 'What will happen' }).getByText('10 % of everyone')).toBeVisible();
  await dialog.getByLabel('Why?').fill('weekly train');
  await dialog.getByLabel('Your name').fill('alice');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Start releasing 2.1.0' }).click();
}

test('a release is watched and aborted on the dashboard, without a reload', async ({ page }) => {
  await startFromTheService(page);
  await expect(page.getByRole('heading', { level: 1, name: 'checkout 2.1.0' })).toBeVisible();
  let loads = 0;
  page.on('load', () => (loads += 1));

  await expect(share(page)).toHaveText(/^10\s%$/);
  await expect(page.getByText(/weekly train/).first()).toBeVisible();
  await page.getByRole('button', { name: 'Promote' }).click();
  const promotion = page.getByRole('dialog', { name: 'Promote the release of checkout 2.1.0?' });
  await expect(promotion).toContainText('goes on to step more now');
  await promotion.getByRole('button', { name: 'Promote' }).click();
  await expect(step(page, 'small').getByText('Done')).toBeVisible();
  // The step in between ends by itself.
  await expect(step(page, 'more').getByText('Done')).toBeVisible();
  await expect(share(page)).toHaveText(/^50\s%$/);
  await expect(page.getByRole('row', { name: /2\.1\.0/ })).toContainText(/[1-9]\S*\/s/);
  await expect(page.getByRole('img', { name: /Requests per second, as a chart\. Last: 2\.0\.3 \d/ })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Checks' }).getByText('Pass', { exact: true })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Abort' }).click();
  const dialog = page.getByRole('dialog', { name: 'Abort the release of checkout 2.1.0?' });
  await expect(dialog).toContainText('Everyone goes back to 2.0.3 at once');
  await expect(dialog.getByLabel('Your name')).toHaveValue('alice');
  await dialog.getByLabel('Why?').fill('support sees complaints');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Abort' }).click();

  await expect(dialog).toBeHidden();
  await expect(page.getByText('Aborted', { exact: true }).first()).toBeVisible();
  await expect(share(page)).toHaveText(/^0\s%$/);
  await expect(page.getByText(/alice aborted it: support sees complaints/).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Retry' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Abort', exact: true })).toBeHidden();
  await expectAccessible(page);

  await page.getByRole('link', { name: 'Events' }).click();
  await expect(page.getByText(/support sees complaints/).first()).toBeVisible();
  await page.getByLabel('Name').fill('no-such-thing');
  await expect(page.getByText(/^0 of the last \d+ events\.$/)).toBeVisible();
  await expectAccessible(page);
  expect(loads).toBe(0);
});

test('a verb that comes too late is refused in words', async ({ page, request }) => {
  const name = await controlPlane.release('checkout', '2.1.0', 'stepwise');
  await page.goto(`${controlPlane.url}/releases/${name}`);
  await expect(share(page)).toHaveText(/^10\s%$/);
  await page.getByRole('button', { name: 'Pause' }).click();
  const dialog = page.getByRole('dialog', { name: /Pause the release/ });
  const aborted = await request.post(`${controlPlane.url}/api/v1/releases/${name}/abort`, { data: {} });
  expect(aborted.ok()).toBe(true);
  await expect(dialog.getByText('The release is Aborted now, and cannot be paused.')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Pause' })).toBeDisabled();
});

test('the page says when the control plane is gone, and goes on when it is back', async ({ page }) => {
  await page.goto(controlPlane.url);
  await expect(page.getByRole('link', { name: 'checkout', exact: true })).toBeVisible();
  const lost = page.getByText(/Connection to the control plane lost/);
  await controlPlane.end();
  await expect(lost).toBeVisible();
  await controlPlane.begin();
  await expect(lost).toBeHidden();
  // What happened since is there without a reload.
  await controlPlane.release('checkout', '2.1.0', 'stepwise');
  await expect(page.getByRole('link', { name: 'Release of 2.1.0' })).toBeVisible();
});

test('nothing scrolls sideways on a phone', async ({ page }) => {
  const name = await controlPlane.release('checkout', '2.1.0', 'stepwise');
  await page.setViewportSize({ width: 390, height: 844 });
  for (const [path, heading] of [['/', 'Services'], ['/services/production/checkout', 'checkout'], [`/releases/${name}`, 'checkout 2.1.0'], ['/environments', 'Environments'], ['/events', 'Events']]) {
    await page.goto(`${controlPlane.url}${path}`);
    await expect(page.getByRole('heading', { level: 1, name: heading, exact: true })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), path).toBeLessThanOrEqual(0);
  }
});
