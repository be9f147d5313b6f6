// Subscribing when something is in the way: a field, a bank, the back button, a lost answer.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WALLED, reader, subscriptions } from './reader.mjs';
import { DATABASES, browser, start } from './server.mjs';

const OFFER = `/subscribe?site=demo&plan=monthly&return_to=${WALLED}`;

for (const { name: database, skip } of DATABASES) {
  describe(`trouble on the way, on ${database}`, { skip }, () => {
    let chrome, service;
    before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
    after(async () => { await chrome?.close(); await service?.stop(); });

    it('names each field that is missing, and leads to it', async () => {
      const anna = await reader(chrome, service);
      await anna.open(OFFER);
      assert.equal(await anna.press(anna.trial), 422);
      const told = anna.page.getByRole('alert');
      const hasFocus = (element) => element === document.activeElement;
      assert.ok(await told.evaluate(hasFocus), 'told first');
      for (const [why, label] of [
        ['Type the address where we can reach you.', 'Email address'],
        ['Please agree before you begin.', 'I agree, and want to begin now'],
      ]) {
        await told.getByRole('link', { name: why }).click();
        const field = anna.page.getByLabel(label);
        assert.ok(await field.evaluate(hasFocus), label);
        assert.match(await field.getAttribute('aria-describedby'), /error/);
      }
      await anna.leave();
    });

    it('opens nothing before the bank has said yes', async () => {
      const anna = await reader(chrome, service);
      await anna.meetWall();
      await anna.press(anna.link('Subscribe for $19.90'));
      await anna.fillIn('bank@example.org', 'bank');
      await anna.press(anna.button('Subscribe and pay $19.90'));
      assert.equal(await anna.heading(), 'Is this you?');
      await anna.judge('bank');
      assert.equal(await anna.status(WALLED), 402);
      // Back, and back to the offer: it leads to the bank again.
      await anna.page.goBack();
      const welcome = `/subscribe/welcome?plan=annual&site=demo&return_to=${encodeURIComponent(WALLED)}`;
      assert.equal(anna.path, welcome);
      await anna.judge('welcome-bank');
      await anna.press(anna.link('Confirm the payment'));
      await anna.press(anna.button('Confirm'));
      // And from the bank on to the article.
      assert.equal(anna.path, welcome);
      await anna.judge('bank-confirmed');
      await anna.press(anna.link('Go on reading'));
      assert.equal(anna.path, WALLED);
      assert.equal(await anna.status(WALLED), 200);
      await anna.leave();
    });

    it('takes another card when the bank was told no', async () => {
      const anna = await reader(chrome, service);
      await anna.meetWall();
      await anna.open(`/subscribe?site=demo&plan=annual&return_to=${WALLED}`);
      await anna.fillIn('refused@example.org', 'bank');
      await anna.press(anna.button('Subscribe and pay $19.90'));
      await anna.press(anna.button('Refuse'));
      // The same plan, and a word of what happened.
      assert.equal(await anna.page.getByText('Your bank did not confirm').count(), 2);
      await anna.judge('bank-refused');
      await anna.fillIn('refused@example.org');
      assert.equal(await anna.press(anna.button('Subscribe and pay $19.90')), 200);
      assert.equal(anna.path, WALLED);
      await anna.leave();
    });

    it('subscribes once by a double click, a reload, and the back button after each step', async () => {
      const anna = await reader(chrome, service);
      const { page } = anna;
      const before = (await subscriptions(service)).length;
      await anna.meetWall();
      await anna.press(anna.link('Start 30 days free'));
      await page.reload();
      await page.goBack();
      assert.equal(anna.path, WALLED);
      await page.goForward();
      assert.equal(anna.path, OFFER);
      await anna.fillIn('double@example.org');
      await anna.trial.dblclick();
      // The second click calls off the way that the first one began, so no navigation is waited for.
      await page.waitForFunction((walled) => location.pathname === walled, WALLED);
      assert.equal((await page.reload()).status(), 200);
      assert.equal((await subscriptions(service)).length, before + 1);
      await page.goBack();
      assert.equal(await anna.heading(), 'You subscribe already', 'the form is not shown again');
      await page.goBack();
      assert.equal(anna.path, WALLED);
      await anna.answerMail('double@example.org');
      await page.goBack();
      await anna.judge('link-used');
      assert.equal((await subscriptions(service)).length, before + 1);
      await anna.leave();
    });

    for (const way of ['sent', 'opened']) {
      it(`subscribes once when the answer is lost and the form is ${way} again`, async () => {
        const anna = await reader(chrome, service);
        const email = `lost-${way}@example.org`;
        const before = (await subscriptions(service)).length;
        await anna.meetWall();
        await anna.press(anna.link('Start 30 days free'));
        await anna.fillIn(email);
        let lost = 0;
        await anna.page.route('**/subscribe', async (route) => {
          const request = route.request();
          if (request.method() !== 'POST' || lost > 0) return route.continue();
          lost += 1;
          // By a connection of its own: the browser hears nothing of it, and gets no cookie.
          const sent = await fetch(request.url(), {
            method: 'POST', redirect: 'manual', body: request.postData(),
            headers: await request.allHeaders(),
          });
          assert.equal(sent.status, 303);
          await route.abort('connectionreset');
        });
        const [failed] = await Promise.all([
          anna.page.waitForEvent('requestfailed'),
          anna.trial.click({ noWaitAfter: true }),
        ]);
        assert.match(failed.failure().errorText, /RESET/);
        await anna.page.waitForURL(/chrome-error|\/subscribe$/);
        assert.equal((await subscriptions(service)).length, before + 1);
        anna.complaints.length = 0;
        if (way === 'sent') {
          // The browser's own error page offers it.
          await anna.page.reload();
        } else {
          await anna.open(OFFER);
          await anna.fillIn(email);
          await anna.press(anna.trial);
        }
        assert.equal(anna.path, WALLED);
        assert.equal(await anna.status(WALLED), 200);
        assert.equal(await anna.status('/demo/articles/the-night-trains'), 200, 'as is every other');
        assert.equal((await subscriptions(service)).length, before + 1);
        await anna.leave();
      });
    }
  });
}
