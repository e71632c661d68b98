// The example client in Node.js, with a node that crashes and with connections that break.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Reply } from '../../examples/resume/resume.js';
import { apiKey, CrashingNode, model, startCuttingProxy } from './resume-support.mjs';

const example = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'examples', 'resume', 'resume-node.mjs');

describe('the example client', { timeout: 180_000 }, () => {
  let node;

  before(async () => {
    node = await CrashingNode.start();
  });

  after(() => node?.stop());

  function question(directives) {
    const mark = randomUUID();
    return { mark, content: `${mark} [[${directives}]]`, request: { model, messages: [{ role: 'user', content: `${mark} [[${directives}]]` }] } };
  }

  const newReply = (url, onChange) => new Reply({ baseUrl: `${url}/v1`, apiKey, onChange });

  async function onlyChat(mark) {
    const chat = await node.chat(mark);
    assert.equal((await node.chats(mark)).length, 1);
    return chat;
  }

  test('a reply is exact when the node is killed in the middle of it', async () => {
    const q = question('text=unicode reasoning=10 answers=2 chunks=40 chunk=3 pace=25ms followups=2 tool=weather seed=61');
    let crashed;
    const reply = newReply(node.url, ({ text }) => {
      if (text.length > 20) crashed ??= node.crash().then(() => node.startNode());
    });
    await reply.ask(q.request);
    await crashed;

    const chat = await onlyChat(q.mark);
    assert.equal(reply.text, chat.answers.join('\n\n'));
    assert.ok(reply.reasoning.length > 0);
    assert.deepEqual(reply.events.map((event) => event.type), ['tool_call', 'tool_output']);
    assert.equal(reply.followUps.length, 2);
    assert.equal(reply.finishReason, 'stop');
    assert.ok(reply.connections > 1);
    assert.equal(reply.state, 'ended');
  });

  test('a reply is exact when connections break at any byte', async () => {
    const q = question('text=unicode reasoning=10 answers=3 chunks=50 chunk=5 pace=10ms seed=62');
    let next = 0;
    // The first connection breaks before anything has arrived.
    const proxy = await startCuttingProxy(node.url, () => [1, 700, 1_501, 2_402, 1_203, 1_804][next++] ?? (next < 20 ? 4_000 + next * 31 : Infinity));
    try {
      const reply = newReply(proxy.url);
      await reply.ask(q.request);

      assert.equal(reply.text, (await onlyChat(q.mark)).answers.join('\n\n'));
      assert.ok(proxy.cuts >= 1);
    } finally {
      await proxy.stop();
    }
  });

  test('rewritten text is removed', async () => {
    const q = question('text=unicode answers=2 chunks=10 chunk=5 pace=10ms seed=63 rewrite');
    const reply = newReply(node.url);
    await reply.ask(q.request);

    assert.equal(reply.text, (await onlyChat(q.mark)).answers.join('\n\n'));
    assert.equal(reply.rewrites, 2);
  });

  test('another client can follow a turn from its start', async () => {
    const q = question('text=unicode chunks=20 seed=64');
    const asked = await newReply(node.url).ask(q.request);
    const followed = await newReply(node.url).follow(asked.turnId);

    assert.equal(followed.text, asked.text);
    assert.equal(followed.text, (await onlyChat(q.mark)).answers[0]);
  });

  test('a reply that is cancelled ends with an error, and its chat is cancelled', async () => {
    const q = question('chunks=2000 pace=25ms');
    const reply = newReply(node.url, ({ text }) => text.length > 20 && reply.cancel());
    await assert.rejects(reply.ask(q.request), { name: 'ReplyError', code: 'cancelled' });
    assert.equal((await onlyChat(q.mark)).status, 'canceled');
  });

  test('errors for which a retry does not help are thrown', async () => {
    await assert.rejects(newReply(node.url).ask({ ...question('').request, model: 'none' }), { name: 'ReplyError', code: 'model_not_found', status: 404 });
    await assert.rejects(newReply(node.url).ask(question('early_error=4000').request), { name: 'ReplyError', code: 'upstream_invalid_request' });
    await assert.rejects(newReply(node.url).ask(question('chunks=20 failed=5000 failed_after=5').request), { name: 'ReplyError', status: 200 });
    await assert.rejects(newReply(node.url).follow(`turn_${'0'.repeat(26)}`), { name: 'ReplyError', code: 'not_found' });
  });

  test('resume-node.mjs prints the reply when connections break', async () => {
    const q = question('text=unicode chunks=100 chunk=5 pace=10ms seed=65');
    let next = 0;
    const proxy = await startCuttingProxy(node.url, () => (next++ < 5 ? 2_000 + next * 173 : Infinity));
    try {
      const env = { ...process.env, COZECLUSTER_URL: proxy.url, COZECLUSTER_KEY: apiKey, COZECLUSTER_MODEL: model };
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [example, q.content], { env });
      assert.equal(stdout, `${(await onlyChat(q.mark)).answers[0]}\n`);
      assert.match(stderr, /\[waiting turn_/);
    } finally {
      await proxy.stop();
    }
  });
});
