// A reader at a browser: what they open, fill in and press, counted as a person would count it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { LOOKS, complaints, judge, mailedLink, settled } from './judge.mjs';
import { SHOTS } from './server.mjs';

export const FREE = '/demo/articles/how-tides-work';
export const WALLED = '/demo/articles/why-bread-rises';
const CARD = {
  ok: 'A card that pays', declined: 'A card that is declined', lost: 'A card that was reported lost',
  once: 'A card that is declined once, then pays', bank: 'A card whose bank asks you first',
};

/** One browser, with nothing in it yet. */
export async function reader(chrome, service, options = {}) {
  const context = await chrome.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(10_000);
  const done = { clicks: 0, fields: 0 };
  // Links and buttons are clicks; a field counts when something was put into it.
  await context.exposeBinding('noteDone', (_, what) => { done[what] += 1; });
  await context.addInitScript(() => {
    addEventListener('click', (event) => {
      if (event.target.closest?.('a, button, summary')) window.noteDone('clicks');
    }, true);
    addEventListener('change', () => window.noteDone('fields'), true);
  });
  const page = await context.newPage();
  return new Reader(service, context, page, done);
}

export class Reader {
  constructor(service, context, page, done) {
    Object.assign(this, { service, context, page, done, complaints: complaints(page) });
  }

  /** Another tab of the same browser. */
  async tab() {
    return new Reader(this.service, this.context, await this.context.newPage(), this.done);
  }

  /** Opens a path or an address of ours; answers the status. */
  async open(path) {
    const answer = await this.page.goto(new URL(path, this.service.url).href);
    return answer.status();
  }

  get path() {
    const { pathname, search } = new URL(this.page.url());
    return pathname + search;
  }

  /** The status that this browser gets for `path`, without showing it. */
  async status(path) {
    const options = { maxRedirects: 0, headers: { accept: 'text/html' } };
    const answer = await this.context.request.get(this.service.url + path, options);
    return answer.status();
  }

  button(name, within = 'main') {
    return this.page.locator(within).getByRole('button', { name, exact: true });
  }

  link(name, within = 'main') {
    return this.page.locator(within).getByRole('link', { name, exact: true });
  }

  /** Presses what leads to another page; answers its status. */
  async press(control) {
    const [answer] = await Promise.all([
      this.page.waitForResponse((answer) => answer.request().isNavigationRequest()
        && (answer.status() < 300 || answer.status() >= 400)),
      control.click(),
    ]);
    await settled(this.page);
    return answer.status();
  }

  heading() {
    return this.page.getByRole('heading', { level: 1 }).innerText();
  }

  text() {
    return this.page.locator('main').innerText();
  }

  /** Reads the free article, and meets the wall. */
  async meetWall() {
    assert.equal(await this.open(FREE), 200);
    assert.equal(await this.open(WALLED), 402);
  }

  /** Fills the offer in, as far as it asks. */
  async fillIn(email, card = 'ok') {
    const address = this.page.getByLabel('Email address');
    if (await address.count()) await address.fill(email);
    await this.page.getByLabel('Card', { exact: true }).selectOption({ label: CARD[card] });
    await this.page.getByLabel('I agree, and want to begin now').check();
  }

  get trial() {
    return this.button('Start 30 days free');
  }

  /** From the wall to reading. */
  async subscribe(email, card = 'ok') {
    await this.meetWall();
    await this.press(this.link('Start 30 days free'));
    await this.fillIn(email, card);
    return this.press(this.trial);
  }

  /** All mails to `email`, the oldest first. */
  async mails(email) {
    const answer = await fetch(`${this.service.url}/sandbox/mail?to=${encodeURIComponent(email)}`);
    return (await answer.json()).messages;
  }

  /** Opens the last link to `path` that was mailed to `email`. */
  async openMailed(email, path) {
    const link = await mailedLink(this.service, email, path);
    assert.ok(link, `no link to ${path} was mailed to ${email}`);
    return this.open(link);
  }

  /** Answers the mail by which this browser is logged in. */
  async answerMail(email) {
    await this.openMailed(email, '/login/link');
    return this.press(this.page.locator('main').getByRole('button'));
  }

  /** A subscriber in the trial, with a whole account. */
  async become(email, card = 'ok') {
    assert.equal(await this.subscribe(email, card), 200);
    await this.answerMail(email);
    assert.equal(this.path, '/account');
  }

  /** Moves the clock by the bar under the page. */
  async moveClock(label) {
    return this.press(this.button(label, '.sandbox-bar'));
  }

  /**
   * Judges the page as it stands on the narrowest screen in the dark, which is also 400 % zoom of
   * a wide one, and on a wide one in the light. Once: it looks alike on both databases.
   */
  async judge(name) {
    if (this.service.database !== 'sqlite') return;
    const before = this.page.viewportSize();
    for (const look of ['narrow-dark', 'wide-light']) {
      const { viewport, colorScheme } = LOOKS[look];
      await this.page.emulateMedia({ colorScheme });
      await this.page.setViewportSize(viewport);
      // Having looked at a page, axe leaves styles in it that are not ours.
      const markup = look === 'narrow-dark';
      await judge(this.page, { ...LOOKS[look], markup }, `${name}-${look}`);
    }
    await this.page.emulateMedia({ colorScheme: null });
    await this.page.setViewportSize(before);
  }

  /** Keeps a picture of the page. */
  async picture(name) {
    await settled(this.page);
    await this.page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  }

  /** Closes the browser; it must have had nothing to complain about. */
  async leave() {
    assert.deepEqual(this.complaints, []);
    await this.context.close();
  }
}

/** How many subscriptions there are that came about. */
export async function subscriptions(service) {
  const post = await fetch(`${service.url}/v1/staff/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: 'admin@demo.example', password: 'sandbox-admin' }),
  });
  const { access_token: token } = await post.json();
  const all = await fetch(`${service.url}/v1/staff/subscriptions`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const found = await all.json();
  return found.subscriptions.filter((it) => it.status !== 'expired');
}
