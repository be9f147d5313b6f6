// A day in the office, by role: finding a reader, answering, acting, and what each role may not.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { complaints } from './judge.mjs';
import { DATABASES, browser, start } from './server.mjs';
import { call, comeOnDuty, hire, look, subscriber, tabTo } from './staff.mjs';

for (const { name: database, skip } of DATABASES) {
  describe(`a day in the office on ${database}`, { skip }, () => {
    let chrome, service, anna, berta, context, page, heard;
    before(async () => {
      [chrome, service] = await Promise.all([browser(), start(database)]);
      ['viewer', 'support'].forEach((role) => hire(service, role));
      anna = await subscriber(service, 'anna@example.org');
      berta = await subscriber(service, 'berta@example.org');
    });
    after(async () => { await chrome?.close(); await service?.stop(); });

    /** A browser in which somebody of this role is on duty. */
    async function at(role) {
      context = await chrome.newContext({ viewport: { width: 1280, height: 900 } });
      context.setDefaultTimeout(10_000);
      page = await context.newPage();
      heard = complaints(page);
      await comeOnDuty(page, service, role);
    }

    async function leave() {
      assert.deepEqual(heard, []);
      await context.close();
    }

    const press = (name) => page.locator('main').getByRole('button', { name, exact: true }).click();
    const follow = (name) => page.locator('main').getByRole('link', { name, exact: true }).first().click();
    const says = (text) => page.locator('main').getByText(text).first().waitFor();
    const open = (path) => page.goto(service.url + path);

    it('support finds a reader and sees all of one on one page', async () => {
      await at('support');
      await page.getByRole('searchbox').fill('ana@example.org');
      await page.getByRole('searchbox').press('Enter');
      await look(page, service, 'search');
      await page.locator('main').getByRole('link', { name: /anna@example\.org/ }).first().click();
      await page.getByRole('heading', { name: 'anna@example.org' }).waitFor();
      await page.getByLabel(/Write down/).fill('Called: “why was I walled?” <b>Friendly.</b>');
      await press('Keep');
      await says('Noted: “Called: “why was I walled?” <b>Friendly.</b>”');
      await page.getByText('Ledger: every amount between us').click();
      await look(page, service, 'reader');
      await follow('Payments');
      await says('Card charged: $2.90 for the first period');
      assert.equal(await page.getByText('Met the wall on demo').count(), 0);
      await look(page, service, 'reader-payments');
      await follow('Reads and walls');
      await follow('Why?');
      await says('The limit was reached: 1 of 1 used.');
      await look(page, service, 'why');
      await leave();
    });

    it('support acts on a subscription: chooses, looks, says why, and does it once', async () => {
      await at('support');
      const at_it = `/staff/subscriptions/${anna.subscription}`;
      for (const [act, says_done] of [
        ['Extend', 'The days were given.'], ['Refund', 'The money goes back to the card.'],
        ['Pause', 'It is paused.'], ['Resume', 'It goes on.'], ['Cancel', 'It was canceled.'],
      ]) {
        await open(at_it);
        if (act === 'Extend') await look(page, service, 'subscription');
        await follow(act);
        const choose = page.getByRole('button', { name: 'Show what would come of it' });
        if (await choose.count()) {
          await look(page, service, `act-${act.toLowerCase()}-choose`);
          await choose.click();
        }
        await page.getByRole('heading', { name: 'What would come of it' }).waitFor();
        // Whoever presses the button without a reason is told so, whatever the browser checks.
        await page.getByLabel('Why?').evaluate((field) => field.removeAttribute('required'));
        await press(act);
        await page.getByRole('alert').getByText('Say why').waitFor();
        await look(page, service, `act-${act.toLowerCase()}-refused`);
        await page.getByLabel('Why?').fill('asked on the telephone');
        await press(act);
        await page.getByRole('status').getByText(says_done).waitFor();
      }
      await leave();
    });

    it('the second of two agents sees that something changed meanwhile', async () => {
      await at('support');
      const extend = `/staff/subscriptions/${berta.subscription}/extend?look=yes&days=7`;
      await open(extend);
      const other = await context.newPage();
      await other.goto(service.url + extend);
      for (const agent of [page, other]) await agent.getByLabel('Why?').fill('a late paper');
      await press('Extend');
      await page.getByRole('status').getByText('The days were given.').waitFor();
      await other.locator('main').getByRole('button', { name: 'Extend', exact: true }).click();
      await other.getByRole('alert').waitFor();
      page = other;
      await look(page, service, 'act-changed-meanwhile');
      await leave();
    });

    it('support gives days, writes again, changes an address and logs somebody out', async () => {
      await at('support');
      const reader = `/staff/readers/${berta.id}`;
      await open(reader);
      await follow('Give days');
      await look(page, service, 'give');
      await page.getByLabel('Why?').fill('a birthday');
      await press('Give it');
      await page.getByRole('status').waitFor();
      await follow('Write again');
      await look(page, service, 'write');
      await page.getByLabel('A fresh link to log in by').check();
      await press('Write it');
      await page.getByRole('status').getByText('It is on its way.').waitFor();
      await follow('Address');
      await look(page, service, 'address');
      await page.getByLabel('New address').fill('anna@example.org');
      await page.getByLabel('Why?').fill('lost the mailbox');
      await press('Ask the new address');
      await page.getByRole('alert').getByText('Another reader has this address').waitFor();
      await look(page, service, 'address-refused');
      await page.getByLabel('New address').fill('berta.new@example.org');
      await press('Ask the new address');
      await page.getByRole('status').getByText('Both addresses were written to').waitFor();
      // The old mailbox says no.
      const mails = await call(service, '/sandbox/mail?to=berta@example.org');
      const link = mails.messages.at(-1).text.match(/http\S+object\S+/)[0];
      const theirs = await (await chrome.newContext()).newPage();
      await theirs.goto(link);
      await theirs.getByRole('button', { name: 'Leave it as it is' }).click();
      await theirs.getByRole('heading', { name: 'Nothing changes' }).waitFor();
      await theirs.context().close();
      await open(reader);
      await says('The old address objected: nothing changes');
      const [file] = await Promise.all([page.waitForEvent('download'), press('Take out all data')]);
      assert.equal(file.suggestedFilename(), 'reader.json');
      await press('Log out everywhere');
      await page.getByRole('status').getByText('logged out everywhere').waitFor();
      assert.equal(await page.getByRole('link', { name: 'Erase' }).count(), 0);
      await leave();
    });

    it('filters become a view that is kept, and a list becomes a table', async () => {
      await at('admin');
      await open('/staff/subscriptions');
      await page.getByLabel('Plan').selectOption('monthly');
      await page.locator('main').getByRole('button', { name: 'Show', exact: true }).click();
      await page.getByLabel('Keep these filters as').fill('By the month');
      await press('Keep');
      await page.getByRole('link', { name: 'By the month' }).waitFor();
      await look(page, service, 'view');
      const [file] = await Promise.all([page.waitForEvent('download'), follow('Take this list away as CSV')]);
      assert.match(file.suggestedFilename(), /\.csv$/);
      await press('Forget “By the month”');
      await page.locator('main').getByRole('heading', { name: 'Subscriptions' }).waitFor();
      assert.equal(await page.getByRole('link', { name: 'By the month' }).count(), 0);
      await open('/staff/subscriptions?status=paused');
      await says('No subscription is like this.');
      await open('/staff/numbers?from=2027-01-01&to=2026-01-01');
      await look(page, service, 'numbers-refused');
      await open('/staff/mails?status=sent');
      await page.getByRole('link', { name: 'Dead', exact: true }).click();
      await leave();
    });

    it('an admin changes a role, closes an account, and erases only what was typed', async () => {
      await at('admin');
      await open('/staff/team');
      await page.getByLabel('Role of viewer@demo.example').selectOption('support');
      await press('Change the role of viewer@demo.example');
      await page.getByLabel('Role of viewer@demo.example').selectOption('viewer');
      await press('Change the role of viewer@demo.example');
      await press('Close the account of viewer@demo.example');
      await look(page, service, 'team');
      await press('Open the account of viewer@demo.example');
      await open(`/staff/readers/${berta.id}`);
      await follow('Erase');
      await page.getByLabel("Type the reader's address").fill('anna@example.org');
      await press('Erase');
      await page.getByRole('alert').getByText('nothing was erased').waitFor();
      await look(page, service, 'erase-refused');
      await page.getByLabel("Type the reader's address").fill('berta@example.org');
      await press('Erase');
      await page.getByRole('status').waitFor();
      assert.deepEqual(heard, []);
      assert.equal((await open(`/staff/readers/${berta.id}`)).status(), 404);
      await look(page, service, 'gone');
      // The browser itself complains of a page that is not there.
      heard.length = 0;
      await leave();
    });

    it('a viewer looks, and is told what the role may not', async () => {
      await at('viewer');
      const places = await page.getByRole('navigation', { name: 'Office' }).getByRole('link').allInnerTexts();
      assert.ok(places.includes('Subscriptions') && !places.includes('Readers'), places.join());
      await open(`/staff/subscriptions/${anna.subscription}`);
      assert.equal(await page.getByRole('heading', { name: 'What you can do' }).count(), 0);
      assert.equal((await open(`/staff/readers/${anna.id}`)).status(), 403);
      await says('Your role may not do this.');
      await look(page, service, 'forbidden');
      await leave();
    });

    it('days are given by the keyboard alone', async () => {
      await at('support');
      await page.keyboard.press('/');
      await page.keyboard.type('anna@example.org');
      await page.keyboard.press('Enter');
      await page.waitForURL(/search/);
      await tabTo(page, 'anna@example.org');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'anna@example.org' }).waitFor();
      await tabTo(page, 'Give days');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: /^Give anna/ }).waitFor();
      await tabTo(page, 'Days');
      await tabTo(page, 'Why?');
      await page.keyboard.type('by keys');
      await tabTo(page, 'Give it');
      await page.keyboard.press('Enter');
      await page.getByRole('status').waitFor();
      await says('because: “by keys”');
      await leave();
    });
  });
}
