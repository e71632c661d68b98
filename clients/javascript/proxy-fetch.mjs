// A small fetch of Node.js through an HTTP or SOCKS5 proxy. It has what real-coze-api.mjs needs, and no redirects. 通过 HTTP 或 SOCKS5 代理发送请求。
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { Readable } from 'node:stream';
import tls from 'node:tls';

/**
 * @param {string} proxy `http://user:password@host:port` or `socks5://…`
 * @returns {typeof fetch} a function that accepts a URL and `method`, `headers`, `body` (a string or bytes) and `signal`
 */
export function createProxyFetch(proxy) {
  const url = new URL(proxy);
  const connectTo = { 'http:': connectByHttp, 'socks5:': connectBySocks, 'socks5h:': connectBySocks, 'socks:': connectBySocks }[url.protocol];
  if (!connectTo) throw new Error('The proxy must be a URL that begins with http:// or socks5://.');
  return async (address, { method = 'GET', headers = {}, body, signal } = {}) => {
    const target = new URL(address);
    const isSecure = target.protocol === 'https:';
    const host = target.hostname.replace(/^\[|\]$/g, '');
    const port = Number(target.port) || (isSecure ? 443 : 80);
    const socket = net.connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || (url.protocol === 'http:' ? 80 : 1080) });
    socket.on('error', ignore);
    const onAbort = () => socket.destroy(signal.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => signal?.removeEventListener('abort', onAbort));
    try {
      await once(socket, 'connect');
      await connectTo(socket, url, host, port);
      const connection = isSecure ? tls.connect({ socket, servername: net.isIP(host) ? undefined : host }) : socket;
      connection.on('error', ignore);
      if (isSecure) await once(connection, 'secureConnect');
      // Without an agent: an agent would make a connection of its own.
      const request = (isSecure ? https : http).request(target, { method, headers, createConnection: () => connection });
      request.on('error', ignore).end(body);
      const [response] = await once(request, 'response');
      return new Response(Readable.toWeb(Readable.from(readWhole(response))), { status: response.statusCode, headers: response.headers });
    } catch (error) {
      socket.destroy();
      throw error;
    }
  };
}

/** A body that is cut must not look whole. */
async function* readWhole(response) {
  yield* response;
  if (!response.complete) throw new Error('The connection broke.');
}

// Whoever waits for a socket receives its error. While nobody waits, an error without a listener would end the process.
const ignore = () => {};

/** RFC 9110, CONNECT. */
async function connectByHttp(socket, url, host, port) {
  const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
  const password = url.username ? `Proxy-Authorization: Basic ${Buffer.from(credentials(url).join(':')).toString('base64')}\r\n` : '';
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${password}\r\n`);
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    if (head.length > 16_384) throw new Error('The proxy answered with something else than HTTP.');
    head += (await read(socket, 1)).toString('latin1');
  }
  if (!/^HTTP\/1\.[01] 2\d\d/.test(head)) throw new Error(`The proxy refused the connection: ${head.split('\r\n')[0]}`);
}

/** RFC 1928, with the user and the password of RFC 1929. */
async function connectBySocks(socket, url, host, port) {
  const hasPassword = url.username !== '';
  socket.write(Buffer.from(hasPassword ? [5, 1, 2] : [5, 1, 0]));
  if ((await read(socket, 2))[1] !== (hasPassword ? 2 : 0)) throw new Error('The SOCKS proxy accepts no connection of this kind.');
  if (hasPassword) {
    socket.write(Buffer.concat([Buffer.from([1]), ...credentials(url).map(withLength)]));
    if ((await read(socket, 2))[1] !== 0) throw new Error('The SOCKS proxy refused the user or the password.');
  }
  // The proxy finds the address of the host.
  socket.write(Buffer.concat([Buffer.from([5, 1, 0, 3]), withLength(host), Buffer.from([port >> 8, port & 255])]));
  const [, status, , kind] = await read(socket, 4);
  if (status !== 0) throw new Error(`The SOCKS proxy could not connect (code ${status}).`);
  await read(socket, (kind === 1 ? 4 : kind === 4 ? 16 : (await read(socket, 1))[0]) + 2);
}

const credentials = (url) => [decodeURIComponent(url.username), decodeURIComponent(url.password)];

const withLength = (text) => Buffer.concat([Buffer.from([Buffer.byteLength(text)]), Buffer.from(text)]);

/** Reads exactly this number of bytes, and leaves the rest in the socket. */
async function read(socket, count) {
  for (;;) {
    const bytes = socket.read(count);
    if (bytes) return bytes;
    if (socket.readableEnded || socket.destroyed) throw socket.errored ?? new Error('The proxy closed the connection.');
    const waiting = new AbortController();
    await Promise.race([once(socket, 'readable', waiting), once(socket, 'close', waiting)]).finally(() => waiting.abort());
  }
}
