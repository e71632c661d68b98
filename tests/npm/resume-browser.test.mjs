// The example page in a real browser, with a node that crashes and with connections that break.
// needs: chromium
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { apiKey, CrashingNode, model, startCuttingProxy } from './resume-support.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const skip = existsSync(executablePath) ? false : `There is no browser at ${executablePath}. Install Debian's package chromium, or set CHROMIUM to the path of a browser.`;
const args = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const timeout = 60_000;

describe('the example page', { timeout: 240_000, skip }, () => {
  let node;
  let site;
  let browser;
  let page;

  before(async () => {
    [node, site, browser] = await Promise.all([CrashingNode.start(), startSite(), chromium.launch({ executablePath, args, timeout })]);
  });

  after(async () => {
    await browser?.close();
    site?.server.close();
    await node?.stop();
  });

  // Sends a prompt in a new browser context, so that the page has no state of other tests.
  async function sendPrompt(url, directives) {
    const mark = randomUUID();
    const context = await browser.newContext();
    page = await context.newPage();
    page.setDefaultTimeout(timeout);
    await page.goto(site.url);
    for (const [id, value] of Object.entries({ url, key: apiKey, model, prompt: `${mark} [[${directives}]]` })) await page.fill(`#${id}`, value);
    await page.click('button:has-text("Ask")');
    return mark;
  }

  const waitForText = (length) => page.waitForFunction((least) => document.getElementById('text').textContent.length > least, length);

  const waitForEnd = () => page.waitForSelector('#status[data-state="ended"]');

  async function assertReply(mark) {
    await waitForEnd();
    const chat = await node.chat(mark);
    assert.equal(await page.textContent('#text'), chat.answers.join('\n\n'));
    assert.match(await page.textContent('#status'), /· stop$/);
    assert.equal((await node.chats(mark)).length, 1);
    await page.context().close();
  }

  test('shows the exact reply when the node is killed in the middle of it', async () => {
    const mark = await sendPrompt(node.url, 'text=unicode reasoning=10 answers=2 chunks=40 chunk=3 pace=25ms seed=71');
    await waitForText(20);
    await node.crash();
    await node.startNode();
    await assertReply(mark);
  });

  test('shows the exact reply when connections break at any byte', async () => {
    let next = 0;
    const proxy = await startCuttingProxy(node.url, () => (next++ < 12 ? 1_500 + next * 271 : Infinity));
    try {
      const mark = await sendPrompt(proxy.url, 'text=unicode answers=2 chunks=100 chunk=5 pace=10ms seed=72');
      await assertReply(mark);
      assert.ok(proxy.cuts >= 3);
    } finally {
      await proxy.stop();
    }
  });

  test('continues its reply when it is reloaded', async () => {
    const mark = await sendPrompt(node.url, 'text=unicode chunks=100 chunk=5 pace=20ms seed=73');
    await waitForText(20);
    await page.reload();
    await assertReply(mark);
  });

  test('removes text that is rewritten', async () => {
    await assertReply(await sendPrompt(node.url, 'text=unicode answers=2 chunks=20 pace=10ms seed=74 rewrite'));
  });

  test('cancels the reply', async () => {
    const mark = await sendPrompt(node.url, 'chunks=2000 pace=25ms');
    await waitForText(20);
    await page.click('#cancel');
    await page.waitForFunction(() => document.getElementById('status').textContent.includes('cancelled'));
    assert.equal((await node.chat(mark)).status, 'canceled');
    await page.context().close();
  });
});

/** Serves the folder of the example. */
async function startSite() {
  const types = { html: 'text/html', js: 'text/javascript' };
  const server = createServer(async (request, response) => {
    const name = request.url === '/' ? 'index.html' : request.url.slice(1);
    if (!/^[\w-]+\.(html|js)$/.test(name)) return response.writeHead(404).end();
    const content = await readFile(new URL(`../../examples/resume/${name}`, import.meta.url));
    response.writeHead(200, { 'content-type': types[name.split('.').pop()] }).end(content);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${server.address().port}/` };
}
