// A reader's way from the form to the account and out again, with and without JavaScript.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import axe from '@axe-core/playwright';
import { HtmlValidate } from 'html-validate';
import { DATABASES, SHOTS, browser, start } from './server.mjs';

const AxeBuilder = axe.default ?? axe;
// What the browser writes out again differs from what we sent in the style of attributes.
const html = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: {
    'long-title': 'off', 'doctype-style': 'off', 'attribute-boolean-style': 'off',
    'attribute-empty-style': 'off',
  },
});
const PASSWORD = 'correct horse battery';

for (const { name: database, skip } of DATABASES) {
  describe(`accounts on ${database}`, { skip }, () => {
    let chrome, service;
    before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
    after(async () => { await chrome?.close(); await service?.stop(); });

    /** The last link to `page` that was mailed to `email`. */
    const mailedLink = async (email, page) => {
      const mails = await (await fetch(`${service.url}/sandbox/mail?to=${email}`)).json();
      const links = mails.messages.flatMap((mail) => mail.text.match(/^http\S+$/gm) ?? []);
      return links.findLast((link) => link.includes(page));
    };

    for (const [look, options] of Object.entries({
      'narrow-light': { viewport: { width: 320, height: 700 }, colorScheme: 'light', javaScriptEnabled: true },
      'narrow-dark': { viewport: { width: 320, height: 700 }, colorScheme: 'dark', javaScriptEnabled: true },
      'wide-light': { viewport: { width: 1280, height: 900 }, colorScheme: 'light', javaScriptEnabled: true },
      'wide-dark': { viewport: { width: 1280, height: 900 }, colorScheme: 'dark', javaScriptEnabled: true },
      'plain': { viewport: { width: 390, height: 800 }, colorScheme: 'light', javaScriptEnabled: false },
    })) {
      it(`leads from the form to the account and out again, ${look}`, async () => {
        const context = await chrome.newContext(options);
        const page = await context.newPage();
        const complaints = [];
        page.on('console', (message) => {
          // A refusal of ours has its own status, and is meant; a missing picture is not.
          const meant = /status of 4\d\d/.test(message.text()) && !/status of 404/.test(message.text());
          if (['error', 'warning'].includes(message.type()) && !meant) complaints.push(message.text());
        });
        /** Accessible, valid, no wider than the screen, and kept as a picture. */
        const judge = async (name) => {
          if (options.javaScriptEnabled) {
            const found = await new AxeBuilder({ page })
              .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
              .analyze();
            assert.deepEqual(found.violations.map((violation) => violation.id), [], name);
          }
          const { width } = await page.locator('html').boundingBox();
          assert.ok(width <= options.viewport.width, `${name} is ${width} px wide`);
          const report = await html.validateString(await page.content());
          const messages = report.results.flatMap((result) => result.messages);
          assert.deepEqual(messages.map((message) => message.message), [], name);
          await page.screenshot({ path: join(SHOTS, `${name}-${look}.png`), fullPage: true });
        };
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

        await page.goto(await mailedLink(email, '/signup/confirm'));
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
        assert.deepEqual(complaints, []);
        await context.close();
      });
    }
  });
}
