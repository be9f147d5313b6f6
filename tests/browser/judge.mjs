// What every page must be: accessible, valid, no wider than the screen however large its text, quiet, and
// kept as a picture.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import axe from '@axe-core/playwright';
import { HtmlValidate } from 'html-validate';
import { SHOTS } from './server.mjs';

const AxeBuilder = axe.default ?? axe;
// What the browser writes out again differs from what we sent in the style of attributes. A style
// sheet may stand in a body that it is for (HTML, "body-ok").
const html = new HtmlValidate({
  extends: ['html-validate:recommended'],
  rules: {
    'long-title': 'off', 'doctype-style': 'off', 'attribute-boolean-style': 'off',
    'attribute-empty-style': 'off', 'no-trailing-whitespace': 'off',
  },
});

/** The looks in which pages are judged. */
export const LOOKS = {
  'narrow-light': { viewport: { width: 320, height: 700 }, colorScheme: 'light', javaScriptEnabled: true },
  'narrow-dark': { viewport: { width: 320, height: 700 }, colorScheme: 'dark', javaScriptEnabled: true },
  'wide-light': { viewport: { width: 1280, height: 900 }, colorScheme: 'light', javaScriptEnabled: true },
  'wide-dark': { viewport: { width: 1280, height: 900 }, colorScheme: 'dark', javaScriptEnabled: true },
  'plain': { viewport: { width: 390, height: 800 }, colorScheme: 'light', javaScriptEnabled: false },
};

/**
 * Waits until `page` is as readers see it. A click comes back as soon as the next page has begun to arrive,
 * and without JavaScript what is measured then may lack its style sheet.
 */
export async function settled(page) {
  await page.waitForLoadState('load');
  const hasStyle = () => page.evaluate(() => document.readyState === 'complete'
    && [...document.querySelectorAll('link[rel=stylesheet]')].every((link) => link.sheet));
  const deadline = Date.now() + 10_000;
  while (!await hasStyle()) {
    assert.ok(Date.now() < deadline, `no style sheet within 10 s: ${page.url()}`);
    await new Promise((later) => setTimeout(later, 20));
  }
}

/** Nobody scrolls sideways on `page`, be the browser's text of its usual size or of twice that. */
export async function fits(page, name) {
  await settled(page);
  const session = await page.context().newCDPSession(page);
  for (const standard of [32, 16]) {
    await session.send('Page.setFontSizes', { fontSizes: { standard, fixed: standard * 13 / 16 } });
    const [text, content, screen] = await page.evaluate(() => {
      const root = document.documentElement;
      return [getComputedStyle(root).fontSize, root.scrollWidth, innerWidth];
    });
    assert.equal(text, `${standard}px`, name);
    assert.ok(content <= screen, `${name}, text of ${text}: ${content} px wide on ${screen} px`);
  }
  await session.detach();
}

/** Judges what `page` shows now; its picture is called `name`. */
export async function judge(page, options, name) {
  await settled(page);
  if (options.javaScriptEnabled) {
    const axe = new AxeBuilder({ page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']);
    // The frame that shows a mail runs no scripts, so axe would wait for its answer for ever.
    if (page.frames().length > 1) axe.setLegacyMode();
    const found = await axe.analyze();
    const told = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.html).join(' ')}`);
    assert.deepEqual(told, [], name);
  }
  await fits(page, name);
  if (options.markup !== false) {
    const report = await html.validateString(await page.content());
    const messages = report.results.flatMap((result) => result.messages);
    assert.deepEqual(messages.map((message) => message.message), [], name);
  }
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
}

/** What the console complains of, but for refusals of ours, which are meant. */
export function complaints(page) {
  const heard = [];
  page.on('console', (message) => {
    const meant = /status of 4\d\d/.test(message.text()) && !/status of 404/.test(message.text());
    // The driver's own scripts, in the frame that shows a mail.
    const isDriver = /the document's frame is sandboxed/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !meant && !isDriver) heard.push(message.text());
  });
  return heard;
}

/** The last link to `path` that was mailed to `email`. */
export async function mailedLink(service, email, path) {
  const mails = await (await fetch(`${service.url}/sandbox/mail?to=${email}`)).json();
  const links = mails.messages.flatMap((mail) => mail.text.match(/http\S+/gm) ?? []);
  return links.findLast((link) => link.includes(path));
}
