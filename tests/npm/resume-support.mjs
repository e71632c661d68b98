// A node that crashes and a proxy that cuts connections, for the suites of the example client.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { control, startProject } from './support.mjs';

export const apiKey = 'key-of-the-example';
export const model = 'example';

/** A node in front of a sandbox of its own. It keeps its address and its data when it crashes; the sandbox does not notice. */
export class CrashingNode {
  static async start() {
    const node = new CrashingNode();
    node.folder = await mkdtemp(join(tmpdir(), 'cozecluster-'));
    node.sandbox = await startProject('Sandbox');
    node.port = await quietPort();
    node.url = `http://127.0.0.1:${node.port}`;
    await writeFile(join(node.folder, 'fleet.yaml'), fleet(node.sandbox.url));
    await node.startAgain();
    return node;
  }

  async startAgain() {
    const args = ['--fleet', join(this.folder, 'fleet.yaml'), '--data', join(this.folder, 'data'), '--port', `${this.port}`];
    this.process = await startProject('Silo', { args, ready: /Listening on (http\S+)/ });
  }

  crash() {
    return this.process.crash();
  }

  /** The chats whose prompt holds that. */
  async chats(mark) {
    return (await control(`${this.sandbox.url}/coze/sandbox/chats?prompt=${mark}`)).chats;
  }

  /** Waits until a chat whose prompt holds that has ended. */
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
 * A TCP proxy that resets a connection once it has carried so many bytes from the server.
 * @param {() => number} bytes asked for each connection
 */
export async function startCuttingProxy(target, bytes) {
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
    let left = bytes();
    upstream.on('data', (data) => {
      if (data.length < left) {
        left -= data.length;
        client.write(data);
        return;
      }
      proxy.cuts++;
      // What was written before a reset may be lost with it, as on a real network.
      client.write(data.subarray(0, left), drop);
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

// Below the ports that outgoing connections use, so that none of them takes it while the node is down.
async function quietPort() {
  while (true) {
    const port = randomInt(20_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await new Promise((resolve) => server.once('listening', () => resolve(true)).once('error', () => resolve(false)));
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
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
