// From the wall to reading as a subscriber, and out again, as people do it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOOKS, complaints, judge as judgePage, mailedLink } from './judge.mjs';
import { DATABASES, browser, start } from './server.mjs';

const FIRST = '/demo/articles/how-tides-work';
const WALLED = '/demo/articles/why-bread-rises';

for (const { name: database, skip } of DATABASES) {
  describe(`subscribing on ${database}`, { skip }, () => {
    let chrome, service;
    before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
    after(async () => { await chrome?.close(); await service?.stop(); });

    /** A browser that has met the wall. */
    const atTheWall = async (options = {}) => {
      const context = await chrome.newContext(options);
      const page = await context.newPage();
      const open = async (path) => (await page.goto(new URL(path, service.url).href)).status();
      assert.equal(await open(FIRST), 200);
      assert.equal(await open(WALLED), 402);
      return { context, page, open, heard: complaints(page) };
    };
    /** Fills the order's form in, and sends it. */
    const order = async (page, email, card = 'pm_sandbox_ok') => {
      if (email) await page.locator('#email').fill(email);
      await page.locator('#payment_method').selectOption(card);
      await page.locator('#agree').check();
      await page.locator('form[action="/subscribe"] button').click();
    };
    const subscriptions = async (page) => {
      const held = await (await page.request.get(`${service.url}/account/export`)).json();
      return held.subscriptions.length;
    };
    /** Answers the mail that opens the account. */
    const answer = async (page, email) => {
      await page.goto(await mailedLink(service, email, '/login/link'));
      await page.locator('main form button').click();
    };

    for (const [look, options] of Object.entries(LOOKS)) {
      it(`leads from the wall through a trial and back to the wall, ${look}`, async () => {
        const { context, page, open, heard } = await atTheWall(options);
        const judge = (name) => judgePage(page, options, `${name}-${look}`);
        const email = `${look}-way@example.org`;
        let clicks = 0;
        const click = async (control) => { clicks += 1; await control.click(); };

        await click(page.getByRole('link', { name: 'Start 30 days free' }));
        await judge('offer');
        const fields = await page.locator('main :is(input:not([type=hidden]), select, textarea)').count();
        assert.ok(fields <= 4, `${fields} fields`);
        await page.locator('form[action="/subscribe"] button').click();
        await judge('offer-refused');
        await page.locator('#email').fill(email);
        await page.locator('#agree').check();
        await click(page.getByRole('button', { name: 'Start 30 days free' }));
        assert.ok(clicks <= 2, `${clicks} clicks`);
        assert.equal(page.url(), service.url + WALLED);
        assert.ok(await page.locator('.paid p').count() > 3, 'the article is open');

        await page.getByRole('link', { name: 'Your account' }).click();
        assert.equal(page.url(), `${service.url}/subscribe/welcome`);
        await judge('welcome');
        await answer(page, email);
        assert.equal(page.url(), `${service.url}/account`);
        await judge('account-subscribed');
        await page.goto(`${service.url}/account/switch`);
        await judge('switch');
        await page.goto(`${service.url}/account/card`);
        await judge('card');
        await page.goto(`${service.url}/account`);

        clicks = 0;
        await click(page.getByRole('link', { name: 'Cancel', exact: true }));
        await judge('cancel');
        assert.equal(await page.locator('main :is(input:not([type=hidden]), select, textarea)').count(), 0);
        await click(page.getByRole('button', { name: 'Cancel now' }));
        assert.equal(clicks, 2);
        await page.getByRole('heading', { name: 'It is canceled' }).waitFor();
        await judge('canceled');
        await page.goto(`${service.url}/account`);
        await judge('account-canceled');
        assert.equal(await open(WALLED), 200, 'what is given is kept');

        // By the sandbox's bar, as somebody who tries it out.
        if (look === 'wide-light') {
          await page.getByRole('button', { name: '31 days' }).click();
          assert.equal(page.url(), service.url + WALLED);
          assert.equal(await open('/account'), 200);
          await page.getByText('It ended on').waitFor();
          await judge('account-ended');
        }
        assert.deepEqual(heard, []);
        await context.close();
      });
    }

    it('says no to a card that is declined, and takes another', async () => {
      const { context, page } = await atTheWall();
      await page.getByRole('link', { name: 'Subscribe for $19.90' }).click();
      await order(page, 'declined@example.org', 'pm_sandbox_declined');
      await page.locator('#card-error').waitFor();
      assert.equal(await page.locator('#email').inputValue(), 'declined@example.org');
      await order(page, null);
      await page.locator('.paid p').first().waitFor();
      await context.close();
    });

    it('asks the bank first where the bank wants to be asked', async () => {
      const { context, page } = await atTheWall();
      await page.getByRole('link', { name: 'Start 30 days free' }).click();
      await order(page, 'bank@example.org', 'pm_sandbox_authentication');
      assert.match(page.url(), /\/sandbox\/gateway\/confirm\//);
      await page.locator('button[value=confirm]').click();
      await page.goto(service.url + WALLED);
      assert.ok(await page.locator('.paid p').count() > 3);
      await context.close();
    });

    it('leads a known address on by mail', async () => {
      const email = 'known@example.org';
      const first = await atTheWall();
      await first.page.getByRole('link', { name: 'Start 30 days free' }).click();
      await order(first.page, email);
      await first.page.locator('.paid p').first().waitFor();
      const second = await atTheWall();
      await second.page.getByRole('link', { name: 'Subscribe for $19.90' }).click();
      await order(second.page, email);
      await second.page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
      assert.equal(await second.open(WALLED), 402);
      await answer(second.page, email);
      await second.page.getByRole('heading', { name: 'You subscribe already' }).waitFor();
      assert.equal(await second.open(WALLED), 200);
      await Promise.all([first.context.close(), second.context.close()]);
    });

    it('keeps two tabs, the back button and a log-out elsewhere in order', async () => {
      const email = 'tabs@example.org';
      const { context, page, open } = await atTheWall();
      await page.getByRole('link', { name: 'Start 30 days free' }).click();
      const other = await context.newPage();
      await other.goto(page.url());
      await order(page, email);
      await page.locator('.paid p').first().waitFor();
      // The other tab shows the offer of before.
      await order(other, 'somebody-else@example.org');
      assert.ok(['You subscribe already', 'That did not work'].includes(await other.locator('h1').innerText()));
      await page.goBack();
      await page.getByRole('heading', { name: 'You subscribe already' }).waitFor();
      await answer(page, email);
      assert.equal(await subscriptions(page), 1);
      await open('/account/cancel');
      await other.goto(`${service.url}/account`);
      await other.getByRole('banner').getByRole('button', { name: 'Log out' }).click();
      await page.getByRole('button', { name: 'Cancel now' }).click();
      await page.waitForLoadState();
      await answerAgain(page, email);
      assert.match(await page.locator('.subscription').innerText(), /Next charge\s+\$2\.90/);
      await context.close();
    });
    const answerAgain = async (page, email) => {
      await page.goto(`${service.url}/login`);
      await page.locator('form[action="/login/email"] input[type=email]').fill(email);
      await page.locator('form[action="/login/email"] button').click();
      await answer(page, email);
      await page.goto(`${service.url}/account`);
    };

    it('tells a browser that keeps no cookies why it cannot subscribe, and lets it leave', async () => {
      const context = await chrome.newContext();
      const page = await context.newPage();
      await page.route('**/*', async (route) => {
        const headers = { ...route.request().headers() };
        delete headers.cookie;
        await route.continue({ headers });
      });
      await page.goto(`${service.url}/subscribe?site=demo`);
      await context.clearCookies();
      await order(page, 'cookieless@example.org');
      await page.getByRole('alert').waitFor();
      await page.goto(`${service.url}/cancel`);
      await page.locator('#email-1').fill('cookieless@example.org');
      await page.getByRole('button', { name: 'Cancel now' }).click();
      await page.getByRole('heading', { name: 'Your notice has arrived' }).waitFor();
      await context.close();
    });

    it('lets leave by a link in a mail and without logging in, and speaks French', async () => {
      const email = 'leaving@example.org';
      const options = { ...LOOKS['wide-light'], locale: 'fr-FR' };
      const { context, page } = await atTheWall(options);
      await page.locator('.wall .plans a.button').first().click();
      await judgePage(page, options, 'offer-french');
      await order(page, email);
      await page.locator('.paid p').first().waitFor();
      await page.goto(await mailedLink(service, email, '/mail/cancel'));
      await judgePage(page, options, 'mail-cancel-french');
      await page.locator('main form button').click();
      await page.goto(await mailedLink(service, email, '/mail/resume'));
      await page.locator('main form button').click();
      await page.goto(`${service.url}/cancel`);
      await judgePage(page, options, 'notice-french');
      await page.locator('#email-1').fill(email);
      await page.locator('main form button').click();
      await judgePage(page, options, 'notice-arrived-french');
      await answer(page, email);
      await judgePage(page, options, 'account-french-canceled');
      assert.match(await page.locator('.subscription').innerText(), /résilié/);
      await context.close();
    });
  });
}
