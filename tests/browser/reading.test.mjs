// A visitor's way from the first article to the wall, and round again a month later.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DATABASES, browser, start } from './server.mjs';

const FIRST = '/demo/articles/how-tides-work';
const SECOND = '/demo/articles/why-bread-rises';

for (const { name: database, skip } of DATABASES) {
  for (const javaScriptEnabled of [true, false]) {
    describe(`${database}, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, { skip }, () => {
      let chrome, service;
      before(async () => { [chrome, service] = await Promise.all([browser(), start(database)]); });
      after(async () => { await chrome?.close(); await service?.stop(); });

      const visitor = async () => {
        const context = await chrome.newContext({ javaScriptEnabled });
        const page = await context.newPage();
        const open = async (path) => (await page.goto(service.url + path)).status();
        const meter = () => page.locator('.meter-line').innerText();
        return { context, page, open, meter };
      };

      it('gives one article whole, then the wall, then one again after thirty days', async () => {
        const { context, page, open, meter } = await visitor();
        assert.equal(await open('/demo/'), 200);
        assert.equal(await meter(), '1 free article left');

        await page.getByRole('link', { name: 'How tides work' }).first().click();
        assert.equal(page.url(), service.url + FIRST);
        assert.match(await meter(), /^No free articles left until \d+ \w+$/);
        const whole = await page.locator('main p').count();

        assert.equal(await open(SECOND), 402);
        const wall = page.getByRole('region', { name: 'You’ve reached your limit of one free article' });
        const words = await wall.innerText();
        for (const said of [
          'unlimited access', 'ad-free reading', 'the weekly digital magazine', 'nine newsletters',
          'the archives', '30 days free, then $2.90 a month', '$19.90 a year', 'Save $14.90',
          'Best value', 'You can cancel anytime', 'Log in',
        ]) assert.ok(words.includes(said), `the wall says “${said}”`);

        assert.equal(await open(FIRST), 200, 're-reading is free');
        assert.equal(await page.locator('main p').count(), whole);

        const other = await visitor();
        assert.equal(await other.open(SECOND), 200, 'another visitor has a free article too');
        const paid = await other.page.locator('.paid p').allInnerTexts();
        assert.ok(paid.length > 3);
        const opened = await other.page.content();
        assert.equal(await open(SECOND), 402);
        const source = await (await context.request.get(service.url + SECOND)).text();
        const shown = await page.content();
        for (const text of paid) {
          const opening = text.slice(0, 60);
          assert.ok(opened.includes(opening), `the whole article spells “${opening}” so`);
          assert.ok(!source.includes(opening) && !shown.includes(opening), text);
        }
        await other.context.close();

        const moved = await fetch(`${service.url}/sandbox/clock`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: '{"advance": "P30D"}',
        });
        assert.equal(moved.status, 200, 'the clock moves');
        assert.equal(await open(SECOND), 200, 'the window is over');
        assert.equal(await open(FIRST), 402, 'and counts anew');
        await context.close();
      });
    });
  }
}
