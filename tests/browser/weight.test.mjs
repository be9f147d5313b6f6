// What a page weighs on a first visit: little, and all of it ours.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FREE, WALLED, reader } from './reader.mjs';
import { browser, start } from './server.mjs';

const PUBLIC = [
  '/', '/demo/', FREE, WALLED, '/subscribe?site=demo', '/login', '/signup', '/cancel', '/newsletters',
  '/login/reset', '/sandbox/mailbox',
];
const PERSONAL = [
  '/account', '/account/cancel', '/account/switch', '/account/card', '/account/newsletters',
  '/account/erase', '/subscribe/welcome', WALLED,
];
const BYTES_MAX = 40_000;

describe('the weight of a page', () => {
  let chrome, service, cookies;
  before(async () => {
    [chrome, service] = await Promise.all([browser(), start()]);
    const anna = await reader(chrome, service);
    await anna.become('anna@example.org');
    cookies = await anna.context.cookies();
    await anna.leave();
  });
  after(async () => { await chrome?.close(); await service?.stop(); });

  const weigh = (path, isPersonal) => async () => {
    // A browser of its own has nothing in its cache.
    const anna = await reader(chrome, service);
    if (isPersonal) await anna.context.addCookies(cookies);
    const elsewhere = [];
    anna.page.on('request', (request) => {
      if (!request.url().startsWith(`${service.url}/`)) elsewhere.push(request.url());
    });
    const session = await anna.context.newCDPSession(anna.page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => { bytes += encodedDataLength; });
    await anna.page.goto(service.url + path, { waitUntil: 'networkidle' });
    assert.equal(anna.path, path, 'not led away');
    assert.ok(bytes > 1_000 && bytes < BYTES_MAX, `${bytes} bytes`);
    assert.deepEqual(elsewhere, []);
    await anna.leave();
  };
  for (const path of PUBLIC) it(`${path} is light, and loads nothing from elsewhere`, weigh(path, false));
  for (const path of PERSONAL) it(`${path}, for a subscriber, too`, weigh(path, true));
});
