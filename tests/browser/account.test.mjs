// A reader's way from the form to the account and out again, with and without JavaScript.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOOKS, complaints, judge as judgePage, mailedLink } from './judge.mjs';
import { DATABASES, browser, start } from './server.mjs';

const PASSWORD = 'correct horse battery';

for (const { name: database, skip } of DATABASES) {
  describe(`accounts on ${database}`, { skip }, () => {
    let chrome, service;
    before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
    after(async () => { await chrome?.close(); await service?.stop(); });

    for (const [look, options] of Object.entries(LOOKS)) {
      it(`leads from the form to the account and out again, ${look}`, async () => {
        const context = await chrome.newContext(options);
        const page = await context.newPage();
        const heard = complaints(page);
        const judge = (name) => judgePage(page, options, `${name}-${look}`);
        /** Tab reaches every link, field and button in the order of the page, and shows where it is. */
        const walk = async (name) => {
          const controls = page.locator('a[href], button, summary, select, input:not([type=hidden])');
          for (const control of await controls.all()) {
            // What is folded away is not in the way either.
            if (!await control.isVisible()) continue;
            await page.keyboard.press('Tab');
            const [reached, outline] = await control.evaluate(
              (element) => [element === document.activeElement, getComputedStyle(element).outlineStyle]);
            assert.ok(reached && outline !== 'none', `${name}: ${await control.textContent()}`);
          }
        };
        const send = async (name) => {
          await page.getByRole('button', { name, exact: true }).focus();
          await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
        };
        const email = `${look}@example.org`;

        await page.goto(`${service.url}/signup`);
        await walk('signup');
        await judge('signup');
        await page.getByLabel('Email address').fill(email);
        await page.getByLabel('Password').fill('password1');
        await send('Make an account');
        await judge('signup-refused');
        assert.equal(await page.getByLabel('Email address').inputValue(), email);
        assert.equal(await page.getByLabel('Password').inputValue(), '');
        assert.match(await page.getByLabel('Password').getAttribute('aria-describedby'), /error/);
        // What is wrong is told first, and leads to where it is.
        const told = page.getByRole('alert');
        assert.ok(await told.evaluate((element) => element === document.activeElement));
        await told.getByRole('link').click();
        assert.ok(await page.getByLabel('Password').evaluate((element) => element === document.activeElement));
        await page.getByLabel('Password').fill(PASSWORD);
        await send('Make an account');
        await judge('look-into-mail');

        await page.goto(await mailedLink(service, email, '/signup/confirm'));
        await judge('confirm');
        await send('Confirm my address');
        assert.equal(page.url(), `${service.url}/account`);
        await judge('account');
        if (options.javaScriptEnabled) await page.reload(), await walk('account');
        const cookies = await context.cookies();
        const session = cookies.find((cookie) => cookie.name === 'pressgate_session');
        assert.deepEqual([session.httpOnly, session.sameSite, session.path], [true, 'Lax', '/']);

        await page.getByRole('banner').getByRole('button', { name: 'Log out' }).click();
        assert.equal(page.url(), `${service.url}/login`);
        await judge('login');
        await page.getByLabel('Email address').first().fill(email);
        await page.getByLabel('Password').fill(PASSWORD);
        await send('Log in');
        assert.equal(page.url(), `${service.url}/account`);

        const address = page.locator('form[action="/account/email"]');
        await page.getByText('Change the address').click();
        await address.getByLabel('New email address').fill('elsewhere@example.org');
        await address.getByLabel('Current password').fill('not this one');
        await address.getByRole('button').click();
        await judge('account-refused');
        assert.equal(await address.getByLabel('New email address').inputValue(), 'elsewhere@example.org');
        assert.equal(await page.locator('[aria-invalid]').count(), 1, 'in the form that was sent');
        assert.equal(await address.locator('[aria-invalid]').count(), 1);

        // In French, and back.
        await send('Français');
        assert.equal(page.url(), `${service.url}/account`, 'from the answer to a form');
        assert.equal(await page.locator('html').getAttribute('lang'), 'fr');
        await judge('account-french');
        await page.getByText('Changer de langue').click();
        await page.getByLabel('Langue').selectOption('en');
        await send('Enregistrer la langue');
        assert.equal(await page.locator('html').getAttribute('lang'), 'en');

        const moved = await fetch(`${service.url}/sandbox/clock`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: '{"advance": "PT1H"}',
        });
        assert.equal(moved.status, 200);
        await page.getByRole('link', { name: 'Erase your account' }).click();
        await judge('login-again');
        await page.getByLabel('Email address').first().fill(email);
        await page.getByLabel('Password').fill(PASSWORD);
        await send('Log in');
        assert.equal(page.url(), `${service.url}/account/erase`);
        await judge('erase');
        await send('Erase my account');
        assert.equal(page.url(), `${service.url}/signup`);
        await page.goto(`${service.url}/account`);
        assert.equal(page.url(), `${service.url}/login?return_to=/account`);
        assert.deepEqual(heard, []);
        await context.close();
      });
    }
  });
}
