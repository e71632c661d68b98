// Starts the cluster that the suites use if COZECLUSTER_TESTS_ON is "cluster": PostgreSQL, a silo in sandbox mode, and a gateway.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findAssembly, freePort, startProject } from './support.mjs';

const run = promisify(execFile);
const installed = '/usr/lib/postgresql';
const ready = /Listening on (http\S+)/;

/** Starts a cluster. Returns the same as `startNode`. */
export async function startCluster() {
  const postgres = await startPostgres();
  const env = { COZECLUSTER_POSTGRES: postgres.connection, COZECLUSTER_SECRETS_KEY: Buffer.alloc(32).toString('base64') };
  await run('dotnet', [findAssembly('Silo'), 'schema', 'apply'], { env: { ...process.env, ...env } });
  const [sandboxPort, siloPort, clientPort] = [await freePort(), await freePort(), await freePort()];
  const member = (role, ...more) => startProject('Silo', { args: ['--role', role, '--port', '0', ...more], env, ready });
  const [gateway, silo] = await Promise.all([
    member('gateway', '--sandbox'),
    member('silo', '--sandbox', '--sandbox-port', `${sandboxPort}`, '--silo-port', `${siloPort}`, '--client-port', `${clientPort}`),
  ]);
  // The gateway of a new cluster may listen before the silo has imported the fleet.
  for (let attempt = 0; !(await fetch(new URL('/health/ready', gateway.url))).ok; attempt++) {
    if (attempt === 300) throw new Error('The gateway is not ready.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    url: gateway.url,
    coze: `http://127.0.0.1:${sandboxPort}/coze`,
    discord: `http://127.0.0.1:${sandboxPort}/discord`,
    async stop() {
      await gateway.stop();
      await silo.stop();
      await postgres.stop();
    },
  };
}

/** Starts a PostgreSQL on loopback, whose data is deleted when it is stopped. It refuses to run as root; then it runs as its own user. */
async function startPostgres() {
  const versions = existsSync(installed) ? (await readdir(installed)).sort((a, b) => Number(a) - Number(b)) : [];
  if (versions.length === 0) throw new Error(`${installed} contains no PostgreSQL. Install the package postgresql.`);
  const tool = (name) => join(installed, versions.at(-1), 'bin', name);
  const isRoot = process.getuid() === 0;
  const asUser = isRoot ? ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--'] : [];
  const call = (...command) => [...asUser, ...command];

  const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
  if (isRoot) {
    const id = async (option) => Number((await run('id', [option, 'postgres'])).stdout);
    await chown(folder, await id('-u'), await id('-g'));
  }
  const data = join(folder, 'data');
  const start = ([program, ...args]) => run(program, args, { cwd: tmpdir() });
  await start(call(tool('initdb'), '--pgdata', data, '--username', 'postgres', '--auth', 'trust', '--no-sync', '--encoding', 'UTF8', '--no-locale'));
  const port = await freePort();
  const [program, ...args] = call('timeout', '--signal=QUIT', '1800', tool('postgres'), '-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', '', '-c', 'fsync=off');
  const server = spawn(program, args, { cwd: tmpdir(), stdio: 'ignore' });
  const killAtExit = () => server.kill('SIGQUIT');
  process.once('exit', killAtExit);
  for (let attempt = 0; ; attempt++) {
    const isReady = await start([tool('pg_isready'), '-q', '-h', '127.0.0.1', '-p', `${port}`]).catch(() => null);
    if (isReady) break;
    if (server.exitCode !== null || attempt === 300) throw new Error('PostgreSQL did not start.');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    connection: `Host=127.0.0.1;Port=${port};Username=postgres;Database=postgres`,
    async stop() {
      process.off('exit', killAtExit);
      server.kill('SIGQUIT');
      await once(server, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
