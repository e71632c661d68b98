// The JavaScript module in the shape of Real-Coze-API, with the fake Coze.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import RealCozeAPI from '../../clients/javascript/real-coze-api.mjs';
import { control, startSandbox } from './support.mjs';

const botId = '7350000000000000001';

describe('RealCozeAPI with the sandbox', { timeout: 120_000 }, () => {
  let sandbox;
  let users = 0;

  before(async () => {
    sandbox = await startSandbox();
  });

  after(() => sandbox?.stop());

  const newBot = (more = {}) => new RealCozeAPI({ session: 'pat_sandbox', bot: botId, baseURL: `${sandbox.url}/coze`, user: `js-${users++}`, ...more });

  const ask = (content) => [{ role: 2, content }];

  const chats = (filter) => control(`${sandbox.url}/coze/sandbox/chats?wait=10s&${filter}`);

  for (const directives of ['text=unicode', 'text=unicode newline=crlf torn escape=ascii', 'colon=space done=bare', 'answers=2', 'rewrite']) {
    test(`send: the reply grows to the whole text, with ${directives}`, async () => {
      const pieces = [];

      const reply = await newBot().send(ask(`Hello [[chunks=20 ${directives}]]`), (piece) => pieces.push(piece));

      assert.ok(pieces.length > 3);
      assert.ok(pieces.every(({ success }) => success));
      assert.ok(pieces.slice(0, -1).every(({ data }) => data.continue && data.reply_type === 1));
      assert.deepEqual(pieces.at(-1).data, reply);
      assert.deepEqual(Object.keys(reply), ['content', 'continue', 'reply_type']);
      assert.equal(reply.continue, false);
      assert.equal(pieces.at(-2).data.content, reply.content);
      if (directives === 'answers=2') assert.match(reply.content, /\n\n/);
    });
  }

  test('send: without a callback', async () => {
    assert.equal((await newBot().send(ask('[[say=yes]]'))).content, 'yes');
  });

  test('send: an error of the callback rejects, and cancels the chat', async () => {
    let calls = 0;
    const onData = () => {
      calls++;
      throw new TypeError('mine');
    };

    await assert.rejects(newBot().send(ask('[[chunks=100000 pace=20ms]] js-callback'), onData), new TypeError('mine'));

    assert.equal(calls, 1);
    await chats('prompt=js-callback&status=canceled');
  });

  test('send: roles choose what the callback receives', async () => {
    const pieces = [];

    await newBot().send(ask('[[tool=weather knowledge say=sunny]]'), (piece) => pieces.push(piece), [1, 3, 4, 6]);

    assert.deepEqual([...new Set(pieces.map(({ data }) => data.reply_type))].sort(), [1, 3, 4, 6]);
    assert.equal(JSON.parse(pieces.find(({ data }) => data.reply_type === 3).data.content).name, 'weather');
  });

  test('send: the history of a downloaded config.json comes first', async () => {
    const config = { space_id: '1', bot_id: botId, work_info: { message_info: JSON.stringify([{ role: 1, content: 'I am Atri.' }]), system_info_all: '[]' } };

    const reply = await newBot({ bot: config }).send([{ role: 6, content: 'It rains.' }, ...ask('Why? [[say=yes]]')]);

    assert.equal(reply.content, 'yes');
  });

  for (const [directives, code] of [
    ['early_error=4008', 4008], ['error=4011 error_after=3 chunks=10', 4011], ['failed=4013 failed_after=3 chunks=10', 4013], ['failed=4013 failed_form=bare', 4013],
    ['http=502', 0], ['disconnect_after=3 chunks=10', 0], ['requires_action', 0],
  ]) {
    test(`send: a failure is told and rejects, with ${directives}`, async () => {
      const pieces = [];

      const error = await newBot().send(ask(`[[${directives}]]`), (piece) => pieces.push(piece)).then(assert.fail, (reason) => reason);

      assert.deepEqual(pieces.at(-1), { success: false, data: {}, errmsg: error.errmsg });
      assert.equal(error.success, false);
      assert.equal(error.code, code);
      assert.ok(!pieces.some(({ success, data }) => success && !data.continue));
    });
  }

  test('disconnect: cancels the chat at Coze, and connect allows new ones', async () => {
    const bot = newBot({ user: 'js-disconnect' });
    let started;
    const start = new Promise((resolve) => { started = resolve; });
    const sending = bot.send(ask('[[chunks=100000 pace=20ms]] js-disconnect'), started);
    await start;

    bot.disconnect();

    await assert.rejects(sending, /disconnected/);
    await chats('prompt=js-disconnect&status=canceled&client_gone=true');
    await assert.rejects(bot.send(ask('x')), /disconnected/);
    assert.deepEqual(await bot.connect(), { success: true });
    assert.equal((await bot.send(ask('[[say=x]]'))).content, 'x');
  });

  test('send: silence ends after the timeout', async () => {
    const bot = newBot({ timeout: 300 });

    await assert.rejects(bot.send(ask('[[say="one two three" stall_after=1]]')), /sent nothing for 0.3 s/);
  });

  test('connect: checks token and bot', async () => {
    assert.deepEqual(await newBot().connect(), { success: true });
    assert.deepEqual(await newBot({ session: 'pat_sandbox_chat_only' }).connect(), { success: true });
    const refused = await newBot({ session: 'pat_of_nobody_0123456789' }).connect();
    assert.equal(refused.success, false);
    assert.deepEqual(refused.data, {});
    assert.doesNotMatch(refused.errmsg, /pat_of_nobody/);
    assert.match((await newBot({ bot: '7' }).connect()).errmsg, /4006/);
  });

  test('uploadFile: an image can be sent', async () => {
    const bot = newBot();

    const { success, data } = await bot.uploadFile(new Uint8Array([0x89, 0x50, 0x4e, 0x47]), '.png');
    const reply = await bot.send([...bot.generateChatHistory(data, 'image'), ...bot.generateChatHistory('What is it? [[say=cat]]')]);

    assert.equal(success, true);
    assert.equal(reply.content, 'cat');
    assert.deepEqual(bot.generateChatHistory(data, 'file', 2), [{ role: 2, content: `{"file_list":[{"key":"${data}"}]}`, contentType: 9 }]);
  });

  test('constructor: what is missing is reported', () => {
    assert.throws(() => newBot({ session: '' }), /session/);
    assert.throws(() => newBot({ bot: undefined }), /bot/);
    assert.throws(() => newBot({ bot: {} }), /bot_id/);
    assert.throws(() => new RealCozeAPI(), /session/);
  });

  for (const [proxy, credentials] of [['socks5://', ''], ['socks5://', 'user:pass%20word@'], ['http://', ''], ['http://', 'user:pass%20word@']]) {
    test(`proxy: ${proxy}${credentials ? 'with a password' : 'without one'} carries the requests`, async () => {
      const server = await startProxy(proxy, credentials && 'user:pass word');
      // Only the proxy knows this host.
      const baseURL = sandbox.url.replace('127.0.0.1', 'coze.invalid') + '/coze';
      const bot = newBot({ baseURL, proxy: `${proxy}${credentials}127.0.0.1:${server.port}` });

      const connected = await bot.connect();
      const reply = await bot.send(ask('[[chunks=20 text=unicode torn]]'));
      const file = await bot.uploadFile(new Uint8Array(100_000), '.bin');
      server.close();

      assert.deepEqual(connected, { success: true });
      assert.match(reply.content, /こんにちは/u);
      assert.equal(file.success, true);
      assert.equal(server.connections, 3);
    });
  }

  test('proxy: a reply that is cut or cancelled is an error', async () => {
    const server = await startProxy('socks5://');
    const bot = newBot({ proxy: `socks5://127.0.0.1:${server.port}` });
    await assert.rejects(bot.send(ask('[[disconnect_after=3 chunks=10]]')), { success: false });
    const sending = bot.send(ask('[[chunks=100000 pace=20ms]] js-proxy-cancel'), () => bot.disconnect());
    await assert.rejects(sending, /disconnected/);
    await chats('prompt=js-proxy-cancel&client_gone=true');
    server.close();
  });

  test('proxy: a proxy that refuses or is not there is an error', async () => {
    const server = await startProxy('socks5://', 'user:secret');
    await assert.rejects(newBot({ proxy: `socks5://127.0.0.1:${server.port}` }).send(ask('x')), /SOCKS/);
    await assert.rejects(newBot({ proxy: `socks5://user:wrong@127.0.0.1:${server.port}` }).send(ask('x')), /password/);
    server.close();
    await assert.rejects(newBot({ proxy: `http://127.0.0.1:${server.port}` }).send(ask('x')), /ECONNREFUSED/);
    await assert.rejects(newBot({ proxy: 'ftp://127.0.0.1' }).send(ask('x')), /proxy must be/);
  });
});

/** A proxy for one kind of client. */
async function startProxy(kind, credentials) {
  const proxy = { connections: 0, close: () => server.close() };
  const join = (socket, host, port, answer) => {
    proxy.connections++;
    const target = net.connect(port, host === 'coze.invalid' ? '127.0.0.1' : host, () => {
      socket.write(answer);
      socket.pipe(target).pipe(socket);
    });
    target.on('error', () => socket.destroy());
    socket.on('error', () => target.destroy());
  };
  const take = async (socket, count) => {
    for (;;) {
      const bytes = socket.read(count);
      if (bytes) return bytes;
      await once(socket, 'readable');
    }
  };
  const serveSocks = async (socket) => {
    const [, methods] = await take(socket, 2);
    await take(socket, methods).then((all) => socket.write(Buffer.from([5, all.includes(credentials ? 2 : 0) ? (credentials ? 2 : 0) : 255])));
    if (credentials) {
      const [, userLength] = await take(socket, 2);
      const user = await take(socket, userLength);
      const password = await take(socket, (await take(socket, 1))[0]);
      socket.write(Buffer.from([1, `${user}:${password}` === credentials ? 0 : 1]));
    }
    await take(socket, 4);
    const host = await take(socket, (await take(socket, 1))[0]);
    join(socket, `${host}`, (await take(socket, 2)).readUInt16BE(), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
  };
  const serveHttp = async (socket) => {
    let head = '';
    while (!head.endsWith('\r\n\r\n')) head += await take(socket, 1);
    const allowed = !credentials || head.includes(`Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`);
    const [, host, port] = /^CONNECT (\S+):(\d+) /.exec(head);
    if (allowed) join(socket, host, Number(port), 'HTTP/1.1 200 Connection established\r\n\r\n');
    else socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
  };
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    (kind === 'http://' ? serveHttp : serveSocks)(socket).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy.port = server.address().port;
  return proxy;
}
