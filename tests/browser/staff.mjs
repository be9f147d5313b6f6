// Staff at a browser, and what they find there.
import assert from 'node:assert/strict';
import { judge } from './judge.mjs';

const WIDTHS = { wide: { width: 1280, height: 900 }, narrow: { width: 320, height: 700 } };

/** Comes on duty: as the sandbox's administrator, or as somebody whom `hire` added. */
export async function comeOnDuty(page, service, role = 'admin') {
  const [email, password] = role === 'admin'
    ? ['admin@demo.example', 'sandbox-admin'] : [`${role}@demo.example`, PASSWORD];
  await page.goto(`${service.url}/staff`);
  await page.getByLabel('Email address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation', { name: 'Office' }).waitFor();
}

const PASSWORD = 'gate swims under slow bells';

/** Adds an account of staff. */
export function hire(service, role) {
  const who = ['--email', `${role}@demo.example`, '--role', role];
  service.tell(PASSWORD, 'staff', 'add', ...who, '--password-stdin');
}

/** A call of the API; answers what it says. */
export async function call(service, path, body, token) {
  const answer = await fetch(service.url + path, {
    method: body ? 'POST' : 'GET',
    headers: { 'Content-Type': 'application/json', ...token && { Authorization: `Bearer ${token}` } },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  const text = await answer.text();
  return text && JSON.parse(text);
}

/** A reader who has read, met the wall, and pays for a month. */
export async function subscriber(service, email) {
  const { proof } = await call(service, '/v1/readers', { email, password: PASSWORD });
  const mails = await call(service, `/sandbox/mail?to=${email}`);
  const [token] = mails.messages.at(-1).text.match(/pgl_[\w-]+/);
  const made = await call(service, '/v1/readers/verify', { token, proof });
  const { access_token: access, reader } = made;
  for (const id of ['how-tides-work', 'why-bread-rises']) {
    const asked = { article: { id }, reader: access };
    await call(service, '/v1/access', asked, 'sk_sandbox_demo');
  }
  const order = { plan: 'monthly', payment_method: 'pm_sandbox_ok', trial: false };
  const { id } = await call(service, '/v1/subscriptions', order, access);
  return { email, access, id: reader.id, subscription: id };
}

/** Judges a page in both widths; the pages are the same on each database, so on one of them. */
export async function look(page, service, name) {
  if (service.database !== 'sqlite') return;
  for (const [width, viewport] of Object.entries(WIDTHS)) {
    await page.setViewportSize(viewport);
    await page.evaluate(() => scrollTo(0, 0));
    // What judges in one width leaves marks in the page that are none of ours.
    const options = { viewport, javaScriptEnabled: true, markup: width === 'wide' };
    await judge(page, options, `office-${name}-${width}`);
    // What hangs over the edge makes the page scroll sideways.
    const whole = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(whole <= viewport.width, `${name} is ${whole} px wide`);
  }
  await page.setViewportSize(WIDTHS.wide);
}

/** Goes from link to button with the tabulator until `name` has the focus. */
export async function tabTo(page, name) {
  for (let steps = 0; steps < 120; steps += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      return element.labels?.[0]?.innerText ?? element.innerText;
    });
    if (focused?.trim() === name) return;
  }
  throw new Error(`${name} is not reached by the tabulator`);
}
