// Every page: accessible, valid, alone, and fit for any screen. Leaves pictures in target/browser.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import axe from '@axe-core/playwright';
import { HtmlValidate } from 'html-validate';
import { fits } from './judge.mjs';
import { WALLED, reader } from './reader.mjs';
import { SHOTS, browser, start } from './server.mjs';

const AxeBuilder = axe.default ?? axe;
const ARTICLE = '/demo/articles/how-tides-work';
const WALL = '/demo/articles/how-a-map-lies';
const PAGES = {
  home: '/', front: '/demo/', article: ARTICLE, wall: WALL, missing: '/demo/nothing',
  subscribe: '/subscribe', login: '/login',
};
// Long lines and `<!doctype html>` in lower case are matters of taste.
const html = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: { 'long-title': 'off', 'doctype-style': 'off' },
});

let chrome, service;
before(async () => { [chrome, service] = await Promise.all([browser(), start()]); });
after(async () => { await chrome?.close(); await service?.stop(); });

/** A visitor who has read the free article, and everything the browser complained about. */
async function visitor(options) {
  const context = await chrome.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // The wall's 402 and the missing page's 404 are reported, and meant; a missing picture is not.
    const meant = /status of 40[24]/.test(message.text()) && message.location().url === page.url();
    if (['error', 'warning'].includes(message.type()) && !meant) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${service.url}/`)) complaints.push(`asked ${request.url()}`);
  });
  await page.goto(service.url + ARTICLE);
  return { context, page, complaints };
}

/** Loads what waits for a scroll; answers the pictures that cannot be shown. */
const loadPictures = (page) => page.evaluate(async () => {
  const pictures = [...document.images];
  for (const picture of pictures) picture.loading = 'eager';
  const shown = await Promise.all(pictures.map((one) => one.decode().then(() => true, () => false)));
  return pictures.filter((_, index) => !shown[index]).map((picture) => picture.src);
});

for (const colorScheme of ['light', 'dark']) {
  for (const width of [390, 1280]) {
    describe(`${colorScheme}, ${width} px`, () => {
      for (const [name, path] of Object.entries(PAGES)) {
        it(`${name} is accessible to all, and says nothing to the console`, async () => {
          const { context, page, complaints } =
            await visitor({ colorScheme, viewport: { width, height: 900 } });
          await page.goto(service.url + path);
          const found = await new AxeBuilder({ page })
            .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
            .analyze();
          const faults = found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
          assert.deepEqual(faults, []);
          assert.deepEqual(await loadPictures(page), []);
          assert.deepEqual(complaints, []);
          const picture = join(SHOTS, `${name}-${width}-${colorScheme}.png`);
          await page.screenshot({ path: picture, fullPage: true });
          await context.close();
        });
      }
    });
  }
}

// Other stories judge what stands behind forms and mails; these are the pages that none of them opens.
const ELSEWHERE = [
  '/signup', '/login/reset', '/login/reset?token=x', '/login/link?token=x', '/signup/confirm?token=x',
  '/cancel', '/newsletters', '/newsletters/preferences?token=x', '/newsletters/unsubscribe?token=x',
  '/newsletters/confirm?token=x', '/mail/cancel?token=x', '/account/address?token=x',
  '/account/address/object?token=x', '/gift?token=x', '/sandbox/mailbox', '/subscribe?site=demo&plan=annual',
];
const MEMBERS = [
  '/account', '/account/newsletters', '/account/erase', '/account/cancel', '/account/switch', '/account/card',
  '/subscribe', '/sandbox/mailbox',
];
const LONG = 'a-rather-long-address.of-somebody@subdomain.example.org';

describe('text of twice its size on 320 px', () => {
  for (const locale of ['en', 'fr']) {
    it(`leaves no page to be scrolled sideways, in ${locale}`, async () => {
      const anna = await reader(chrome, service, { viewport: { width: 320, height: 640 }, locale });
      const open = async (path) => {
        await anna.open(path);
        await fits(anna.page, path);
      };
      for (const path of ELSEWHERE) await open(path);
      // Links that are over are answered 404, and the browser says so.
      anna.complaints.length = 0;
      await open(`/subscribe?site=demo&plan=monthly&return_to=${WALLED}`);
      await anna.page.locator('#email').fill(`${locale}-${LONG}`);
      await anna.page.locator('#agree').check();
      await anna.press(anna.page.locator('form[action="/subscribe"] button'));
      await open('/subscribe/welcome');
      await anna.answerMail(`${locale}-${LONG}`);
      for (const path of MEMBERS) await open(path);
      // With everything unfolded, the sandbox's bar too.
      await open('/account');
      await anna.page.evaluate(() => { for (const it of document.querySelectorAll('details')) it.open = true; });
      await fits(anna.page, 'the account, unfolded');
      await anna.moveClock('31 days');
      for (const it of ['/invoices/', '/receipt']) {
        await anna.open('/account');
        await open(await anna.page.locator(`a[href*="${it}"]`).last().getAttribute('href'));
      }
      await anna.leave();
    });
  }
});

describe('when something is in the way', () => {
  let strict;
  before(async () => {
    const once = { PRESSGATE__LIMITS__LOGIN_BURST: '1', PRESSGATE__LIMITS__MAIL_BURST: '1' };
    strict = await start('sqlite', once);
  });
  after(async () => { await strict?.stop(); });

  it('says how long to wait, and leads back to the page', async () => {
    const anna = await reader(chrome, strict);
    for (const status of [401, 429]) {
      await anna.open('/login');
      await anna.page.getByLabel('Email address').first().fill('anna@example.org');
      await anna.page.getByLabel('Password').fill('not this one');
      assert.equal(await anna.press(anna.button('Log in')), status);
    }
    await anna.judge('log-in-too-often');
    for (const status of [202, 429]) {
      await anna.open('/newsletters');
      await anna.page.getByLabel('The Tide').check();
      await anna.page.getByLabel('Email address').fill('anna@example.org');
      assert.equal(await anna.press(anna.button('Sign up')), status);
    }
    await anna.judge('too-often');
    await anna.press(anna.link('Try again'));
    assert.equal(anna.path, '/newsletters');
    await anna.leave();
  });

  it('says that no payment can be made, and that there is no such page', async () => {
    const anna = await reader(chrome, strict);
    const bank = async (down) => {
      const headers = { 'Content-Type': 'application/json' };
      await fetch(`${strict.url}/sandbox/gateway`, { method: 'POST', headers, body: JSON.stringify({ down }) });
    };
    await anna.open('/subscribe?site=demo&plan=annual');
    await anna.fillIn('bea@example.org');
    await bank(true);
    assert.equal(await anna.press(anna.button('Subscribe and pay $19.90')), 503);
    await anna.judge('payments-down');
    await bank(false);
    assert.equal(await anna.open('/acount'), 404);
    await anna.judge('no-such-page');
    // The browser says so too.
    assert.deepEqual(anna.complaints.filter((it) => !/status of (404|503)/.test(it)), []);
    await anna.context.close();
  });
});

describe('the markup', () => {
  for (const [name, path] of Object.entries(PAGES)) {
    it(`of ${name} is valid, and fits 320 px with text of any size`, async () => {
      const { context, page } = await visitor({ viewport: { width: 320, height: 640 } });
      const source = await (await context.request.get(service.url + path)).text();
      const report = await html.validateString(source);
      const faults = report.results.flatMap(({ messages }) => messages)
        .map(({ ruleId, message, line }) => `${line}: ${ruleId}: ${message}`);
      assert.deepEqual(faults, []);
      await page.goto(service.url + path);
      await fits(page, name);
      await context.close();
    });
  }

  it('tells search engines which part is paid, on the whole and on the walled article', async () => {
    const { context, page } = await visitor();
    for (const path of [ARTICLE, WALL]) {
      await page.goto(service.url + path);
      const text = await page.locator('script[type="application/ld+json"]').textContent();
      const article = JSON.parse(text);
      assert.equal(article['@type'], 'NewsArticle');
      assert.equal(article.isAccessibleForFree, false);
      assert.equal(article.hasPart.isAccessibleForFree, false);
      assert.equal(await page.locator(article.hasPart.cssSelector).count(), 1, path);
    }
    await context.close();
  });

  it('lets the keyboard reach the offers, and shows where it is', async () => {
    const { context, page } = await visitor({ viewport: { width: 1280, height: 900 } });
    await page.goto(service.url + WALL);
    const reached = [];
    const controls = page.locator('a[href], button, summary, input:not([type=hidden])');
    const links = await controls.allTextContents();
    for (const link of links) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const element = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const { top, bottom } = element.getBoundingClientRect();
        return {
          text: element.textContent,
          outline: outlineStyle !== 'none' && outlineWidth !== '0px',
          onScreen: top >= 0 && bottom <= innerHeight,
        };
      });
      assert.equal(focus.text, link, `in the order of the page: ${reached.join(', ')}`);
      assert.ok(focus.outline && focus.onScreen, `focus shows on “${link}”`);
      reached.push(link.trim());
    }
    for (const offer of ['Start 30 days free', 'Subscribe for $19.90', 'Log in']) {
      assert.ok(reached.includes(offer), `${offer}: reached ${reached.join(', ')}`);
    }
    await context.close();
  });
});
