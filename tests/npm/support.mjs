// Starts the servers for the suites, and stops them when the suites end.
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
 * Starts a built project of `src/` on a free loopback port. Waits for the line of its output that contains its URL.
 * @param {string} project the name of the folder under `src/`
 * @param {{ args?: string[], env?: Record<string, string>, ready?: RegExp }} [options] the first group of `ready` is the URL
 * @returns {Promise<{ url: string, stop: () => Promise<void>, crash: () => Promise<void> }>} `stop` sends SIGTERM, `crash` sends SIGKILL
 */
export async function startProject(project, { args = ['--urls', 'http://127.0.0.1:0'], env = {}, ready = /listening on (http\S+)/ } = {}) {
  const child = spawn('dotnet', [findAssembly(project), ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);

  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((resolve, reject) => {
    const timeout = setTimeout(() => reject(new Error(`${project} did not start within ${startTimeout} ms.`)), startTimeout);
    child.once('error', reject);
    exited.then((code) => reject(new Error(`${project} ended with exit code ${code} before it listened.`)));
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

/** Starts a sandbox. If SANDBOX_URL is set, returns the sandbox at this URL instead. */
export async function startSandbox() {
  const url = process.env.SANDBOX_URL;
  return url ? { url: url.replace(/\/$/, ''), stop: async () => {} } : startProject('Sandbox');
}

/**
 * Starts a node in sandbox mode, whose data is deleted when it is stopped. Starts a cluster if COZECLUSTER_TESTS_ON is "cluster".
 * @returns {Promise<{ url: string, coze: string, discord: string, stop: () => Promise<void> }>} `coze` and `discord` are the base URLs of the fakes
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

/** Sends JSON to a control endpoint, and returns the response. Without a body, sends GET. */
export async function control(url, body) {
  const response = await fetch(url, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** A port on loopback that is free now. It is below the range of the ports of outgoing connections, so that no connection takes it while its server is down. */
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
  throw new Error('No port is free.');
}

/** The path of the assembly of a built project of `src/`. */
export function findAssembly(project) {
  const configurations = process.env.CONFIGURATION ? [process.env.CONFIGURATION] : ['Release', 'Debug'];
  const paths = configurations.map((c) => join(root, 'src', project, 'bin', c, 'net10.0', `CozeCluster.${project}.dll`));
  const found = paths.find((path) => existsSync(path));
  if (!found) throw new Error(`src/${project} is not built. Run dotnet build src/${project}.`);
  return found;
}
