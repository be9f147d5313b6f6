// Staff give money back: from an invoice to its refund, and back to the invoice.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOOKS, complaints, judge, mailedLink } from './judge.mjs';
import { call, comeOnDuty } from './staff.mjs';
import { DATABASES, browser, start } from './server.mjs';

const EMAIL = 'anna@example.org';

/** A reader who paid for three months. */
async function threeMonths(service) {
  await call(service, '/v1/readers', { email: EMAIL, password: 'gate swims under slow bells' });
  const link = await mailedLink(service, EMAIL, '/signup/confirm');
  const token = new URL(link).searchParams.get('token');
  const { access_token: access } = await call(service, '/v1/readers/verify', { token });
  const order = { plan: 'monthly', payment_method: 'pm_sandbox_ok', trial: false };
  const { id } = await call(service, '/v1/subscriptions', order, access);
  await call(service, '/sandbox/clock', { advance: 'P63D' });
  return id;
}

for (const { name: database, skip } of DATABASES) {
  describe(`money given back on ${database}`, { skip }, () => {
    let chrome, service, subscription;
    before(async () => {
      [chrome, service] = await Promise.all([browser(), start(database)]);
      subscription = await threeMonths(service);
    });
    after(async () => { await chrome?.close(); await service?.stop(); });

    for (const [look, options] of Object.entries(LOOKS)) {
      it(`leads from an invoice to its refund and back, ${look}`, async () => {
        const context = await chrome.newContext(options);
        const page = await context.newPage();
        const heard = complaints(page);
        await comeOnDuty(page, service);
        await page.goto(`${service.url}/staff/subscriptions/${subscription}`);
        // Each year counts anew: of all numbers the last in the list is the first that was paid.
        const oldest = page.getByRole('link', { name: /^\d{4}-\d{6}$/ }).last();
        const number = await oldest.innerText();
        await oldest.click();
        await page.getByRole('heading', { name: `Invoice ${number}` }).waitFor();
        await judge(page, options, `office-invoice-${database}-${look}`);
        await page.locator('main').getByRole('link', { name: /^Refund/ }).click();
        const chosen = page.getByLabel('Of which invoice?');
        const option = await chosen.locator('option:checked').textContent();
        assert.ok(option.includes(`${number} of `), option);
        await page.getByLabel(/How much of it/).fill('0.20');
        await page.getByRole('button', { name: 'Show what would come of it' }).click();
        await page.getByText('$0.20 goes back to the card that paid.').waitFor();
        await judge(page, options, `office-refund-${database}-${look}`);
        await page.getByLabel('Why?').fill('The paper came late');
        await page.getByRole('button', { name: 'Refund', exact: true }).click();
        await page.getByText('The money goes back to the card.').waitFor();
        await page.getByRole('link', { name: number }).click();
        await page.getByText('The paper came late').first().waitFor();
        await judge(page, options, `office-invoice-given-back-${database}-${look}`);
        await page.getByRole('link', { name: 'Print' }).click();
        await page.getByText('The paper came late').first().waitFor();
        assert.deepEqual(heard, []);
        await context.close();
      });
    }
  });
}
