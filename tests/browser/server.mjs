// The real program on a database of its own, and a real browser in front of it.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const BIN = process.env.PRESSGATE_BIN
  ?? join(resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target'), 'debug/pressgate');
export const SHOTS = join(ROOT, 'target/browser');
mkdirSync(SHOTS, { recursive: true });

/** Which databases the stories are told on. */
export const DATABASES = process.env.PRESSGATE_TEST_POSTGRES_URL ? ['sqlite', 'postgres'] : ['sqlite'];

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

function psql(sql) {
  const folder = '/usr/lib/postgresql';
  const command = `${folder}/${readdirSync(folder).sort().at(-1)}/bin/psql`;
  const ran = spawnSync(command, [process.env.PRESSGATE_TEST_POSTGRES_URL, '-qc', sql]);
  if (ran.status !== 0) throw new Error(String(ran.stderr));
}

/** Starts a sandbox; answers its address and how to stop it. */
export async function start(database = 'sqlite') {
  const folder = mkdtempSync(join(tmpdir(), 'pressgate-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const name = `browser_${process.pid}_${port}`;
  let address = `sqlite://${folder}/p.db`;
  if (database === 'postgres') {
    psql(`CREATE DATABASE ${name}`);
    address = process.env.PRESSGATE_TEST_POSTGRES_URL.replace(/\/[^/]*$/, `/${name}`);
  }
  const service = spawn(BIN, ['serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PRESSGATE__SERVER__LISTEN: `127.0.0.1:${port}`,
      PRESSGATE__SERVER__PUBLIC_URL: url,
      PRESSGATE__DATABASE__URL: address,
      PRESSGATE__LOG__LEVEL: 'warn',
    },
  });
  const ended = new Promise((done) => service.once('exit', done));
  // It prints what to open as soon as it listens.
  await Promise.race([
    new Promise((done) => service.stdout.once('data', done)),
    ended.then((code) => { throw new Error(`the program ended with ${code}`); }),
  ]);
  return {
    url,
    async stop() {
      service.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
      if (database === 'postgres') psql(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

export const browser = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});
