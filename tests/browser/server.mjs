// The real program on a database of its own, and a real browser in front of it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const ROOT = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const BIN = process.env.PRESSGATE_BIN
  ?? join(resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target'), 'debug/pressgate');
export const SHOTS = resolve(process.env.PRESSGATE_SHOTS ?? join(ROOT, 'target/browser'));
mkdirSync(SHOTS, { recursive: true });

/** Debian keeps `psql` beside each version of the server, and one in PATH. */
function findPsql() {
  if (spawnSync('psql', ['--version']).status === 0) return 'psql';
  const folder = '/usr/lib/postgresql';
  const versions = existsSync(folder) ? readdirSync(folder).sort() : [];
  return versions.map((version) => join(folder, version, 'bin/psql')).findLast(existsSync);
}

const SERVER = process.env.PRESSGATE_TEST_POSTGRES_URL;
const PSQL = SERVER && findPsql();

/** The databases that the stories are told on; `skip` says why one is not told. */
export const DATABASES = [
  { name: 'sqlite', skip: false },
  {
    name: 'postgres',
    skip: !SERVER ? 'PRESSGATE_TEST_POSTGRES_URL is not set'
      : !PSQL ? 'there is no psql to make a database with' : false,
  },
];

const freePort = () => new Promise((done) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

function psql(sql) {
  const ran = spawnSync(PSQL, [SERVER, '-qc', sql]);
  if (ran.status !== 0) throw new Error(`psql: ${ran.stderr}`);
}

/** Starts a sandbox with `settings` as its environment; answers its address and how to stop it. */
export async function start(database = 'sqlite', settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pressgate-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const name = `browser_${process.pid}_${port}`;
  let address = `sqlite://${folder}/p.db`;
  if (database === 'postgres') {
    psql(`CREATE DATABASE ${name}`);
    address = new URL(SERVER);
    address.pathname = name;
  }
  // Nobody's own settings may change a story.
  const ours = Object.entries(process.env).filter(([key]) => !key.startsWith('PRESSGATE_'));
  const env = {
    ...Object.fromEntries(ours),
    PRESSGATE__SERVER__LISTEN: `127.0.0.1:${port}`,
    PRESSGATE__SERVER__PUBLIC_URL: url,
    PRESSGATE__DATABASE__URL: String(address),
    PRESSGATE__LOG__LEVEL: 'warn',
    ...settings,
  };
  const service = spawn(BIN, ['serve'], { stdio: ['ignore', 'pipe', 'inherit'], env });
  const ended = new Promise((done, failed) => {
    service.once('exit', done);
    service.once('error', () => failed(new Error(`${BIN} is not there: build it first`)));
  });
  // It prints what to open as soon as it listens.
  await Promise.race([
    new Promise((done) => service.stdout.once('data', done)),
    ended.then((code) => { throw new Error(`the program ended with ${code}`); }),
  ]);
  return {
    url,
    database,
    /** Runs a command beside it; answers what it says. */
    command(...args) {
      return this.tell('', ...args);
    },
    /** The same, with something for it to read. */
    tell(input, ...args) {
      const ran = spawnSync(BIN, args, { env, input, encoding: 'utf8' });
      if (ran.status !== 0) throw new Error(`${args.join(' ')}: ${ran.stderr}`);
      return ran.stdout;
    },
    async stop() {
      service.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
      if (database === 'postgres') psql(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

export const browser = (more = []) => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ...more,
  ],
});
