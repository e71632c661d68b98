// A node that can crash and a proxy that cuts connections, for the suites of the example client.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { control, freePort, startProject } from './support.mjs';

export const apiKey = 'key-of-the-example';
export const model = 'example';

/** A node with its own sandbox. After a crash, it can be started again with the same URL and the same data. The sandbox continues to run. */
export class CrashingNode {
  static async start() {
    const node = new CrashingNode();
    node.folder = await mkdtemp(join(tmpdir(), 'cozecluster-'));
    node.sandbox = await startProject('Sandbox');
    node.port = await freePort();
    node.url = `http://127.0.0.1:${node.port}`;
    await writeFile(join(node.folder, 'fleet.yaml'), fleet(node.sandbox.url));
    await node.startNode();
    return node;
  }

  async startNode() {
    const args = ['--fleet', join(this.folder, 'fleet.yaml'), '--data', join(this.folder, 'data'), '--port', `${this.port}`];
    this.process = await startProject('Silo', { args, ready: /Listening on (http\S+)/ });
  }

  crash() {
    return this.process.crash();
  }

  /** The chats whose prompt contains `mark`. */
  async chats(mark) {
    return (await control(`${this.sandbox.url}/coze/sandbox/chats?prompt=${mark}`)).chats;
  }

  /** Waits until a chat whose prompt contains `mark` has ended. */
  async chat(mark) {
    return (await control(`${this.sandbox.url}/coze/sandbox/chats?prompt=${mark}&ended=true&wait=60s`)).chats[0];
  }

  async stop() {
    await this.process?.crash();
    await this.sandbox?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/**
 * Starts a TCP proxy that resets each connection after a number of bytes from the server.
 * @param {string} target the URL of the server
 * @param {() => number} nextLimit returns the number of bytes for the next connection
 */
export async function startCuttingProxy(target, nextLimit) {
  const { hostname, port } = new URL(target);
  const open = new Set();
  const proxy = { cuts: 0 };
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const drop = () => {
      for (const socket of [client, upstream]) {
        open.delete(socket);
        socket.resetAndDestroy();
      }
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', drop).on('close', drop);
    }
    client.pipe(upstream);
    let remaining = nextLimit();
    upstream.on('data', (data) => {
      if (data.length < remaining) {
        remaining -= data.length;
        client.write(data);
        return;
      }
      proxy.cuts++;
      // The reset may discard the last bytes, as on a real network.
      client.write(data.subarray(0, remaining), drop);
    });
    upstream.on('end', () => client.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.stop = async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return proxy;
}

const fleet = (sandbox) => `
tenants:
  - id: example
    keys: [{ name: example, key: ${apiKey} }]
accounts:
  - { id: sandbox, upstream: coze, base_url: ${sandbox}/coze, token: pat_sandbox }
bots:
  - { id: one, upstream: coze, bot_id: "7350000000000000001", accounts: [sandbox] }
models:
  - { id: ${model}, bots: [one] }
`;
