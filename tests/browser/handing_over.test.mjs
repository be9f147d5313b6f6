// From a website on another origin to our pages and back, as its readers do it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { reader } from './reader.mjs';
import { DATABASES, browser, start } from './server.mjs';

/** A publisher's website as README.md says how to build one: one article, and a cookie. */
async function website(service) {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${server.address().port}`;
  const site = JSON.parse(service.command(
    'site', 'add', 'news', '--name', 'The News', '--origin', url, '--time-zone', 'UTC',
    '--limit', '1', '--window', 'P30D', '--json',
  ));
  const key = JSON.stringify(site).match(/sk_[A-Za-z0-9_-]+/)[0];
  const ask = async (path, body) => {
    const answer = await fetch(service.url + path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };
  server.on('request', async (request, response) => {
    const address = new URL(request.url, url);
    const html = (status, text) => response
      .writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
      .end(`<!doctype html><html lang="en"><title>The News</title><main>${text}</main></html>`);
    if (address.pathname !== '/tides') return html(404, '');
    const code = address.searchParams.get('pressgate_code');
    if (code) {
      const { status, body } = await ask('/v1/auth/handovers/redeem', { code });
      address.searchParams.delete('pressgate_code');
      const cookie = status === 200 ? `reader=${body.access_token}; HttpOnly; Path=/` : 'reader=; Max-Age=0';
      return response.writeHead(303, { Location: address.href, 'Set-Cookie': cookie }).end();
    }
    const token = /reader=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? null;
    const article = { id: 'tides', access: 'subscribers' };
    const { body } = await ask('/v1/access', { article, reader: token });
    if (body.decision === 'allow') return html(200, `<h1>Read by ${body.reason}</h1>`);
    const back = encodeURIComponent(`${address.href}#depth`);
    return html(402, `<h1>Walled</h1><a href="${body.offer_url ?? ''}&amp;return_to=${back}">Subscribe</a>
      <a href="${service.url}/login?site=news&amp;return_to=${back}">Log in</a>`);
  });
  return { url, close: () => new Promise((done) => server.close(done)) };
}

for (const { name: database, skip } of DATABASES) {
  describe(`handing over on ${database}`, { skip }, () => {
    let chrome, service, news;
    before(async () => {
      [chrome, service] = await Promise.all([browser(), start(database)]);
      news = await website(service);
    });
    after(async () => { await chrome?.close(); await news?.close(); await service?.stop(); });

    it('leads from the wall of a website to a trial there, and back by every log-in', async () => {
      const anna = await reader(chrome, service);
      const article = `${news.url}/tides?page=2#depth`;
      // A wall is no page that failed.
      const walls = () => { anna.complaints.splice(0); };
      assert.equal(await anna.open(article), 402);
      walls();
      await anna.press(anna.link('Subscribe'));
      assert.match(anna.page.url(), new RegExp(`^${service.url}/subscribe\\?site=news`));
      await anna.fillIn('anna@example.org');
      await anna.press(anna.trial);
      assert.match(anna.path, /^\/subscribe\/welcome/);
      await anna.press(anna.link('Go on reading'));
      assert.equal(anna.page.url(), article, 'the code is gone, and the rest is kept');
      assert.equal(await anna.heading(), 'Read by trial');

      // The website forgets her. She is known on our pages still, and types nothing.
      await anna.context.clearCookies({ name: 'reader' });
      assert.equal(await anna.open(`${news.url}/tides`), 402);
      walls();
      await anna.press(anna.link('Log in'));
      await anna.press(anna.link('Go on reading'));
      assert.equal(await anna.heading(), 'Read by trial');
      await anna.answerMail('anna@example.org');
      await anna.context.clearCookies({ name: 'reader' });
      await anna.open(`${news.url}/tides`);
      walls();
      await anna.press(anna.link('Log in'));
      assert.equal(await anna.heading(), 'Read by trial', 'with no click on our pages at all');
      await anna.leave();

      // On another device she logs in by a mail, in a form that leads to another origin.
      const phone = await reader(chrome, service);
      await phone.open(`${news.url}/tides`);
      phone.complaints.splice(0);
      await phone.press(phone.link('Log in'));
      await phone.page.locator('form[action="/login/email"] input[type=email]').fill('anna@example.org');
      await phone.press(phone.page.locator('form[action="/login/email"] button'));
      await phone.answerMail('anna@example.org');
      assert.equal(phone.page.url(), `${news.url}/tides#depth`);
      assert.equal(await phone.heading(), 'Read by trial');
      await phone.open('/account');
      assert.match(await phone.text(), /The News/, 'the website stands among her devices');
      await phone.leave();
    });
  });
}
