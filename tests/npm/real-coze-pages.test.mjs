// The pages of Real-Coze-API's endpoints in a browser, and the JavaScript of its README.
// needs: chromium
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { control, startProject, startSandbox } from './support.mjs';

const key = 'key-for-pages-0123456789';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const skip = existsSync(executablePath) ? false : `There is no browser at ${executablePath}. Install Debian's package chromium, or set CHROMIUM.`;
const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'];

describe('Real-Coze-API at a node', { timeout: 180_000, skip }, () => {
  let sandbox;
  let node;
  let folder;
  let browser;

  before(async () => {
    sandbox = await startSandbox();
    folder = await mkdtemp(join(tmpdir(), 'cozecluster-'));
    await writeFile(join(folder, 'fleet.yaml'), `
endpoints:
  - { id: http, path: /http, compat: rca, anonymous: me }
  - { id: stream, path: /stream, compat: rca, options: { mode: stream } }
  - { id: ws, path: /ws, compat: rca, options: { mode: ws } }
tenants:
  - { id: me, default_model: atri, keys: [{ name: page, key: ${key} }] }
accounts:
  - { id: coze, upstream: coze, base_url: "${sandbox.url}/coze", token: pat_sandbox }
bots:
  - { id: atri, upstream: coze, bot_id: "7350000000000000001", accounts: [coze] }
models:
  - { id: atri, bots: [atri] }
`);
    node = await startProject('Silo', {
      args: ['--fleet', join(folder, 'fleet.yaml'), '--port', '0', '--data', join(folder, 'data'), '--start-grace', '0s'],
      ready: /Listening on (http\S+)/,
    });
    browser = await chromium.launch({ executablePath, args, timeout: 60_000 });
  });

  after(async () => {
    await browser?.close();
    await node?.stop();
    await sandbox?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  async function openPage(mode, apiKey) {
    const page = await browser.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(`${node.url}/${mode}`);
    if (apiKey) await page.fill('#key', apiKey);
    return { page, errors };
  }

  const say = async (page, text) => {
    await page.fill('#text', text);
    await page.click('form button');
  };

  const lines = (page) => page.locator('#chat p').allTextContents();

  for (const [mode, apiKey] of [['http', ''], ['stream', key], ['ws', key]]) {
    test(`page: a chat in mode ${mode} keeps its history`, async () => {
      const { page, errors } = await openPage(mode, apiKey);

      await say(page, `first ${mode} [[say="if (a) { b } <b>1</b>" chunk=2]]`);
      await page.locator('#stop:disabled').waitFor();
      await say(page, `second ${mode} [[say="第二"]]`);
      await page.getByText('第二', { exact: true }).waitFor();

      const shown = await lines(page);
      assert.equal(shown[1], 'if (a) { b } <b>1</b>');
      assert.equal(shown[3], '第二');
      const [chat] = (await control(`${sandbox.url}/coze/sandbox/chats?wait=10s&prompt=second%20${mode}`)).chats;
      assert.ok(chat);
      assert.deepEqual(errors, []);
      await page.close();
    });

    test(`page: a reply in mode ${mode} can be stopped`, async () => {
      const { page } = await openPage(mode, apiKey);

      await say(page, `stop-${mode} [[chunks=100000 pace=20ms]]`);
      await control(`${sandbox.url}/coze/sandbox/chats?wait=10s&prompt=stop-${mode}`);
      await page.click('#stop');

      await page.locator('.error').waitFor();
      await control(`${sandbox.url}/coze/sandbox/chats?wait=20s&status=canceled&prompt=stop-${mode}`);
      await page.close();
    });
  }

  for (const mode of ['stream', 'ws']) {
    test(`page: a missing key in mode ${mode} is shown as an error`, async () => {
      const { page } = await openPage(mode, '');

      await say(page, 'x');

      await page.locator('.error').waitFor();
      assert.doesNotMatch((await lines(page))[1], /sandbox/);
      await page.close();
    });
  }

  test('README: fetch in mode http', async () => {
    // As in the README, with another address.
    const reply = await fetch(`${node.url}/http/`, {
      method: 'POST',
      body: JSON.stringify([
        { role: 2, content: 'Atri，你认得我吗' },
        { role: 1, content: '夏生先生！当然认得了！有什么事吗？夜深了，这么晚还不休息？' },
        { role: 2, content: 'Atri，你还记得我刚刚说了什么吗？ [[say="我记得。"]]' },
      ]),
    }).then((res) => res.json());

    assert.deepEqual(reply, { content: '我记得。', continue: false, reply_type: 1 });
  });

  test('README: the reader of mode stream', async () => {
    const pieces = [];
    const listener = (content) => {
      pieces.push(content);
    };

    // As in the README, with another address and a key. Its chunks array and second read are its own.
    await fetch(`${node.url}/stream/?stream=true`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify([{ role: 2, content: 'atri，你认得我吗 [[say="认得{你}。" chunk=1 pace=30ms]]' }]),
    }).then(async (response) => {
      const reader = response.body.getReader();
      let { value: chunk, done: readerDone } = await reader.read();
      let textDecoder = new TextDecoder();
      let chunks = chunk ? [chunk] : [];
      while (!readerDone) {
        let strChunk = textDecoder.decode(chunk, { stream: true });
        if (strChunk.endsWith('}')) {
          let parts = strChunk.split('}');
          for (let i = 0; i < parts.length - 1; i++) listener(JSON.parse(parts[i] + '}'));
        }
        chunks.push(chunk);
        ({ value: chunk, done: readerDone } = await reader.read());
      }
    });

    assert.deepEqual(pieces.at(-1), { content: '认得{你}。', continue: false, reply_type: 1 });
    assert.ok(pieces.slice(0, -2).every((piece) => piece.continue));
    assert.ok(pieces.length > 2);
  });
});
