// Who signs, when it may be, and what is live where: with the real server, roles, a freeze and two environments.

import { expect, type Page, test } from '@playwright/test';
import { expectAccessible } from './accessible';
import { type ControlPlane, environment, policy, service, startControlPlane } from './control-plane';
import { type Endpoint, startEndpoint } from './endpoint';

const ROLES = { roles: { product: ['anna', 'ben'], 'release-manager': ['carla'] }, override: ['release-manager'] };
const DAY = 24 * 3600 * 1000;

let controlPlane: ControlPlane;
let endpoints: Endpoint[];

/** A service with two versions, of which the first is live. */
const checkout = (where: string) => {
  const [stable, candidate] = endpoints.map(({ address }) => address);
  return service('checkout', `${where}.example.com`, { '2.0.3': stable ?? '', '2.1.0': candidate ?? '' }, where);
};

test.beforeEach(async () => {
  controlPlane = await startControlPlane();
  endpoints = await Promise.all(['2.0.3', '2.1.0'].map((version) => startEndpoint(version, { latency: 5, failsEvery: 0 })));
});

test.afterEach(async () => {
  await controlPlane.remove();
  for (const endpoint of endpoints) endpoint.close();
});

async function actAs(page: Page, name: string) {
  const banner = page.getByRole('banner');
  await banner.getByRole('button', { name: /You act as|Your name/ }).click();
  await page.getByRole('textbox', { name: 'Your name' }).fill(name);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(banner.getByRole('button', { name: `You act as ${name}` })).toBeVisible();
}

const share = (page: Page) => page.getByTestId('candidate-share').first();

/** A button that can be reached, and says why it does nothing. */
async function expectImpossible(page: Page, name: string, why: string) {
  const button = page.getByRole('button', { name, exact: true });
  await expect(button).toHaveAttribute('aria-disabled', 'true');
  await expect(button).toHaveAccessibleDescription(new RegExp(why));
}

async function approve(page: Page, comment?: string) {
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve the release of checkout 2.1.0?' });
  if (comment) {
    await dialog.getByLabel('Comment').fill(comment);
    await expectAccessible(page);
  }
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await expect(dialog).toBeHidden();
}

test('two people with the role approve a release, and nobody else can', async ({ page }) => {
  const steps = [['few', 10, '1s'] as [string, number, string], { name: 'sign-off', approval: { roles: ['product'], count: 2 } }, ['all', 100] as [string, number]];
  await controlPlane.apply(environment('production', ROLES), policy('signed-off', 'Few people, then two who sign.', steps, []), checkout('production'));
  await controlPlane.release('checkout', '2.1.0', 'signed-off');

  await page.goto(controlPlane.url);
  const needs = page.getByRole('region', { name: 'Needs you' });
  await expect(needs.getByText('Awaiting approval')).toBeVisible();
  await expectAccessible(page);
  await needs.getByRole('link', { name: 'Decide: checkout 2.1.0' }).click();
  const gate = page.getByRole('region', { name: 'Waits for approval: product' });
  await expect(gate).toContainText('0 of 2 given');
  await expect(gate).toContainText('anna, ben');

  await actAs(page, 'carla');
  await expectImpossible(page, 'Approve', 'anna and ben can approve or reject');
  await expectAccessible(page);

  await actAs(page, 'anna');
  await approve(page, 'looks fine');
  await expect(gate).toContainText('1 of 2 given');
  await expect(gate.getByRole('list', { name: 'Approvals given' })).toContainText('looks fine');
  await expectImpossible(page, 'Approve', 'You have approved already');
  await expect(share(page)).toHaveText(/^10\s%$/);

  await actAs(page, 'ben');
  await approve(page);
  await expect(gate).toBeHidden();
  await expect(share(page)).toHaveText(/^100\s%$/);
});

test('a release goes ahead in a freeze when somebody with the right says why', async ({ page }) => {
  const day = (offset: number) => new Date(Date.now() + offset * DAY).toISOString().slice(0, 10);
  const frozen = { ...ROLES, freezes: [{ from: day(-2), to: day(5), zone: 'UTC', reason: 'holidays' }] };
  await controlPlane.apply(environment('production', frozen), policy('stepwise', 'Few until somebody promotes.', [['few', 10], ['all', 100]], []), checkout('production'));
  const name = await controlPlane.release('checkout', '2.1.0', 'stepwise');

  await page.goto(`${controlPlane.url}/releases/${name}`);
  const held = page.getByRole('region', { name: 'Waits until production opens' });
  await expect(held).toContainText('Freeze: holidays. Opens ');
  await actAs(page, 'anna');
  await expectImpossible(page, 'Go ahead anyway', 'Only carla may go ahead anyway');
  await expectAccessible(page);

  await actAs(page, 'carla');
  await page.getByRole('button', { name: 'Go ahead anyway', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Go ahead anyway with the release of checkout 2.1.0?' });
  await expect(dialog).toContainText('go into the log');
  await dialog.getByRole('button', { name: 'Go ahead anyway' }).click();
  await expect(dialog.getByText('Say why, in a sentence.')).toBeVisible();
  await expect(dialog.getByLabel('Why must it go ahead?')).toBeFocused();
  await expectAccessible(page);
  await dialog.getByLabel('Why must it go ahead?').fill('the shop is down');
  await dialog.getByRole('button', { name: 'Go ahead anyway' }).click();
  await expect(dialog).toBeHidden();
  await expect(held).toBeHidden();
  await expect(share(page)).toHaveText(/^10\s%$/);
  await expect(page.getByRole('region', { name: 'What happened' }).getByText(/the shop is down/).first()).toBeVisible();
});

test('a version is handed on from environment to environment', async ({ page }) => {
  await controlPlane.apply(
    environment('staging', {}),
    environment('production', { after: 'staging', policies: [{ use: 'stepwise' }] }),
    policy('stepwise', 'Few until somebody promotes.', [['few', 10], ['all', 100]], []),
    policy('at-once', 'Everyone.', [['all', 100, '0s']], []),
    checkout('staging'),
    checkout('production'),
  );

  await page.goto(`${controlPlane.url}/environments`);
  await expect(page.getByRole('rowheader', { name: 'checkout' })).toBeVisible();
  const promote = page.getByRole('button', { name: 'Promote to production: checkout 2.1.0' });
  await expect(promote).toBeHidden();
  // The page stays open: that it is live in staging comes by itself.
  await controlPlane.release('checkout', '2.1.0', 'at-once', undefined, 'staging');
  await expect(promote).toBeVisible();
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Start a release' }).click();
  const choice = page.getByRole('dialog', { name: 'Start a release' });
  await choice.getByRole('combobox', { name: 'Environment' }).click();
  await choice.getByRole('option', { name: 'production' }).click();
  await expect(choice.getByRole('region', { name: 'What will happen' })).toContainText('10 % of everyone'.replace(' %', '\u00a0%'));
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(choice).toBeHidden();

  await promote.click();
  const dialog = page.getByRole('dialog', { name: 'Promote checkout 2.1.0 to production?' });
  await expect(dialog.getByRole('region', { name: 'What will happen' })).toContainText('2.1.0 is live for good');
  await expectAccessible(page);
  await dialog.getByLabel('Your name').fill('anna');
  await dialog.getByRole('button', { name: 'Promote to production' }).click();

  await expect(page.getByRole('heading', { level: 1, name: 'checkout 2.1.0' })).toBeVisible();
  await expect(share(page)).toHaveText(/^10\s%$/);
  await page.getByRole('link', { name: 'Environments' }).click();
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'checkout' }) });
  await expect(row.getByText('Progressing')).toBeVisible();
  await expect(row.getByText(/^10\s% of everyone$/)).toBeVisible();
  await expect(promote).toBeHidden();

  await page.setViewportSize({ width: 390, height: 844 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
  await expectAccessible(page);
});
