// What a page weighs on a first visit: little, and all of it ours.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { complaints } from './judge.mjs';
import { browser, start } from './server.mjs';

const PAGES = ['/subscribe?site=demo', '/login', '/signup', '/cancel', '/newsletters', '/login/reset'];
const BYTES_MAX = 40_000;

describe('the weight of a page', () => {
  let chrome, service;
  before(async () => { [chrome, service] = await Promise.all([browser(), start()]); });
  after(async () => { await chrome?.close(); await service?.stop(); });

  for (const path of PAGES) {
    it(`${path} is light, and loads nothing from elsewhere`, async () => {
      const context = await chrome.newContext();
      const page = await context.newPage();
      const heard = complaints(page);
      const elsewhere = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(service.url)) elsewhere.push(request.url());
      });
      const session = await context.newCDPSession(page);
      await session.send('Network.enable');
      let bytes = 0;
      session.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
      await page.goto(service.url + path, { waitUntil: 'networkidle' });
      assert.ok(bytes > 1_000 && bytes < BYTES_MAX, `${bytes} bytes`);
      assert.deepEqual(elsewhere, []);
      assert.deepEqual(heard, []);
      await context.close();
    });
  }
});
