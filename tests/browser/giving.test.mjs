// Staff give to an address, take back, and switch; a stranger accepts by one click on the link.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOOKS, complaints, judge, mailedLink } from './judge.mjs';
import { DATABASES, browser, start } from './server.mjs';
import { comeOnDuty, look, subscriber } from './staff.mjs';

for (const { name: database, skip } of DATABASES) {
  describe(`giving and switching on ${database}`, { skip }, () => {
    let chrome, service, context, page, heard;
    before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
    after(async () => { await chrome?.close(); await service?.stop(); });

    async function onDuty() {
      context = await chrome.newContext({ viewport: { width: 1280, height: 900 } });
      page = await context.newPage();
      page.setDefaultTimeout(10_000);
      heard = complaints(page);
      await comeOnDuty(page, service);
    }

    async function leave() {
      assert.deepEqual(heard, []);
      await context.close();
    }

    const press = (name) => page.locator('main').getByRole('button', { name, exact: true }).click();
    const says = (text) => page.locator('main').getByText(text).first().waitFor();

    it('gives to a stranger, who accepts by one click, and takes it back', async () => {
      const stranger = 'carla@example.org';
      await onDuty();
      await page.goto(`${service.url}/staff/gifts`);
      await page.getByLabel('Address', { exact: true }).fill(stranger);
      await page.getByLabel('Why?', { exact: true }).fill('a prize');
      await press('Give it');
      await says('The mail with the link is on its way.');
      await look(page, service, 'gifts');

      const guest = await chrome.newContext(LOOKS.plain);
      const opened = await guest.newPage();
      await opened.goto(await mailedLink(service, stranger, '/gift'));
      await judge(opened, LOOKS.plain, `gift-${database}-plain`);
      await opened.getByRole('button', { name: 'Accept the gift' }).click();
      await opened.getByRole('heading', { name: 'The days have begun' }).waitFor();
      await judge(opened, LOOKS.plain, `gift-accepted-${database}-plain`);
      await opened.goto(await mailedLink(service, stranger, '/login/link'));
      await opened.getByRole('button', { name: 'Log in', exact: true }).click();
      await opened.getByText('with our compliments').waitFor();
      await guest.close();

      await page.goto(`${service.url}/staff/complimentary?state=running`);
      await look(page, service, 'given');
      await page.getByRole('link', { name: `Take back from ${stranger}` }).click();
      await look(page, service, 'take-back');
      await page.getByLabel('Why?').fill('by mistake');
      await press('Take it back');
      await says('It was taken back');
      await leave();
    });

    it('switches a plan as was seen, once', async () => {
      const anna = await subscriber(service, 'anna@example.org');
      await onDuty();
      await page.goto(`${service.url}/staff/subscriptions/${anna.subscription}`);
      await page.locator('main').getByRole('link', { name: 'Switch', exact: true }).click();
      await page.getByLabel('Annual').check();
      await press('Show what would come of it');
      await look(page, service, 'switch');
      await page.getByLabel('Why?').fill('asked on the phone');
      await page.locator('main').getByRole('button', { name: 'Switch', exact: true }).dblclick();
      await says(/It was done as you saw\.|This was sent twice and counts once\./);
      await leave();
    });
  });
}
