// Lighthouse on the readers' pages; `scripts/lighthouse` runs it.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WALLED, reader } from './reader.mjs';
import { browser, start } from './server.mjs';

const load = (path) => import(pathToFileURL(join(process.env.LIGHTHOUSE, path)).href);
const { default: lighthouse, desktopConfig } = await load('lighthouse/core/index.js');

const LEAST = 95;
const PUBLIC = [
  '/', '/demo/', WALLED, `/subscribe?site=demo&return_to=${WALLED}`, '/login', '/signup', '/cancel',
  '/newsletters',
];
const PERSONAL = ['/account', '/account/cancel', '/account/switch', '/account/card', '/account/newsletters'];
// Pages for whoever is logged in are not for search engines, and say so.
const EXPECTED = ['is-crawlable'];

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

/** On a busy machine the browser sometimes paints nothing in time; that says nothing of a page. */
async function judge(url, flags, config) {
  for (let tries = 1; ; tries += 1) {
    const judged = await lighthouse(url, flags, config);
    const isWhole = Object.values(judged.lhr.categories).every(({ score }) => score !== null);
    if (isWhole || tries === 3) return judged;
  }
}

const port = await freePort();
const [chrome, service] = await Promise.all([browser([`--remote-debugging-port=${port}`]), start()]);
let failed = false;
try {
  const anna = await reader(chrome, service);
  await anna.become('anna@example.org');
  const cookies = await anna.context.cookies();
  const Cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  console.log('Performance, accessibility, best practices, and how well search engines find it');
  for (const [screen, config] of [['small', undefined], ['wide', desktopConfig]]) {
    for (const path of [...PUBLIC, ...PERSONAL]) {
      const isPersonal = PERSONAL.includes(path);
      const flags = {
        port, output: 'json', logLevel: 'error', ignoreStatusCode: true,
        onlyCategories: ['performance', 'accessibility', 'best-practices', 'seo'],
        skipAudits: isPersonal ? EXPECTED : [],
        extraHeaders: isPersonal ? { Cookie } : {},
      };
      const { lhr } = await judge(service.url + path, flags, config);
      const scores = Object.values(lhr.categories).map(({ score }) => Math.round(score * 100));
      failed ||= scores.some((score) => score < LEAST);
      const short = path.split('?')[0];
      console.log(`${screen.padEnd(7)} ${short.padEnd(32)} ${scores.map((it) => String(it).padStart(5)).join('')}`);
      const audits = Object.values(lhr.categories).flatMap(({ auditRefs }) => auditRefs);
      for (const { id, weight } of audits) {
        const { score, title, details } = lhr.audits[id];
        if (weight === 0 || score === null || score >= 0.9) continue;
        console.log(`        ${id}: ${title} ${JSON.stringify(details?.items?.[0] ?? '').slice(0, 160)}`);
      }
    }
  }
} finally {
  await chrome.close();
  await service.stop();
}
process.exitCode = failed ? 1 : 0;
