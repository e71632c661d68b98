// Starts the servers that the suites talk to, and makes sure they stop with them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const startTimeout = 60_000;

/**
 * Starts a built project of `src/` on a free loopback port and waits for the line in which it says where it listens.
 * @param {string} project name of the folder under `src/`
 * @param {{ args?: string[], env?: Record<string, string>, ready?: RegExp }} [options] `ready` captures the base URL in the first group
 * @returns {Promise<{ url: string, stop: () => Promise<void>, crash: () => Promise<void> }>} `crash` is `kill -9`
 */
export async function startProject(project, { args = ['--urls', 'http://127.0.0.1:0'], env = {}, ready = /listening on (http\S+)/ } = {}) {
  const child = spawn('dotnet', [findAssembly(project), ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);

  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error(`${project} did not start within ${startTimeout} ms`)), startTimeout);
    child.once('error', reject);
    exited.then((code) => reject(new Error(`${project} ended with ${code} before it listened`)));
    lines.on('line', (line) => {
      const found = ready.exec(line);
      if (!found) return;
      clearTimeout(timeout);
      resolve(found[1].replace(/\/$/, ''));
    });
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });

  const end = async (signal) => {
    process.off('exit', killAtExit);
    child.kill(signal);
    await exited;
  };
  return { url, stop: () => end('SIGTERM'), crash: () => end('SIGKILL') };
}

/** The sandbox: the one at SANDBOX_URL when that is set, else a process of its own. */
export async function startSandbox() {
  const given = process.env.SANDBOX_URL;
  return given ? { url: given.replace(/\/$/, ''), stop: async () => {} } : startProject('Sandbox');
}

/**
 * A node in sandbox mode, with data of its own that goes with it; a cluster where COZECLUSTER_TESTS_ON says so.
 * @returns {Promise<{ url: string, coze: string, discord: string, stop: () => Promise<void> }>} `coze` and `discord` are the base URLs of its fakes
 */
export async function startNode() {
  if (process.env.COZECLUSTER_TESTS_ON === 'cluster') return (await import('./cluster-support.mjs')).startCluster();
  const data = await mkdtemp(join(tmpdir(), 'cozecluster-'));
  const sandboxPort = await freePort();
  const node = await startProject('Silo', {
    args: ['--sandbox', '--sandbox-port', `${sandboxPort}`, '--port', '0', '--data', data],
    ready: /Listening on (http\S+)/,
  });
  return {
    url: node.url,
    coze: `http://127.0.0.1:${sandboxPort}/coze`,
    discord: `http://127.0.0.1:${sandboxPort}/discord`,
    async stop() {
      await node.stop();
      await rm(data, { recursive: true });
    },
  };
}

/** Sends JSON to a control endpoint and reads what comes back. */
export async function control(url, body) {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** A port on loopback that is free now: below the range that outgoing connections take theirs from, so that none of them gets it before its server. */
export async function freePort() {
  for (let tries = 0; tries < 100; tries++) {
    const server = createServer();
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const isFree = await new Promise((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no free port');
}

export function findAssembly(project) {
  const configurations = process.env.CONFIGURATION ? [process.env.CONFIGURATION] : ['Release', 'Debug'];
  const paths = configurations.map((c) => join(root, 'src', project, 'bin', c, 'net10.0', `CozeCluster.${project}.dll`));
  const found = paths.find((path) => existsSync(path));
  if (!found) throw new Error(`src/${project} is not built: run dotnet build src/${project} first`);
  return found;
}
