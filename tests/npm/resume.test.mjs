// The example client, in Node, against a node that crashes and through connections that break.
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

describe('the example of a reply that survives', { timeout: 180_000 }, () => {
  let node;

  before(async () => {
    node = await CrashingNode.start();
  });

  after(() => node?.stop());

  function question(directives) {
    const mark = randomUUID();
    return { mark, content: `${mark} [[${directives}]]`, request: { model, messages: [{ role: 'user', content: `${mark} [[${directives}]]` }] } };
  }

  const reader = (url, onChange) => new Reply({ baseUrl: `${url}/v1`, apiKey, onChange });

  async function onlyChat(mark) {
    const chat = await node.chat(mark);
    assert.equal((await node.chats(mark)).length, 1);
    return chat;
  }

  test('a reply is exact although the node is killed in the middle of it', async () => {
    const q = question('text=unicode reasoning=10 answers=2 chunks=40 chunk=3 pace=25ms followups=2 tool=weather seed=61');
    let crashed;
    const reply = reader(node.url, ({ text }) => {
      if (text.length > 20) crashed ??= node.crash().then(() => node.startAgain());
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

  test('a reply is exact although every connection breaks, at any byte', async () => {
    const q = question('text=unicode reasoning=10 answers=3 chunks=50 chunk=5 pace=10ms seed=62');
    let next = 0;
    // The first one breaks before anything has come.
    const proxy = await startCuttingProxy(node.url, () => [1, 700, 1_501, 2_402, 1_203, 1_804][next++] ?? (next < 20 ? 4_000 + next * 31 : Infinity));
    try {
      const reply = reader(proxy.url);
      await reply.ask(q.request);

      assert.equal(reply.text, (await onlyChat(q.mark)).answers.join('\n\n'));
      assert.ok(proxy.cuts >= 1);
    } finally {
      await proxy.stop();
    }
  });

  test('text that is taken back is taken back here too', async () => {
    const q = question('text=unicode answers=2 chunks=10 chunk=5 pace=10ms seed=63 rewrite');
    const reply = reader(node.url);
    await reply.ask(q.request);

    assert.equal(reply.text, (await onlyChat(q.mark)).answers.join('\n\n'));
    assert.equal(reply.rewrites, 2);
  });

  test('a reply is followed by its turn from the start, by somebody else', async () => {
    const q = question('text=unicode chunks=20 seed=64');
    const asked = await reader(node.url).ask(q.request);
    const followed = await reader(node.url).follow(asked.turnId);

    assert.equal(followed.text, asked.text);
    assert.equal(followed.text, (await onlyChat(q.mark)).answers[0]);
  });

  test('a reply that is cancelled ends so, and at Coze too', async () => {
    const q = question('chunks=2000 pace=25ms');
    const reply = reader(node.url, ({ text }) => text.length > 20 && reply.cancel());
    await assert.rejects(reply.ask(q.request), { name: 'ReplyError', code: 'cancelled' });
    assert.equal((await onlyChat(q.mark)).status, 'canceled');
  });

  test('errors that asking again does not change are told', async () => {
    await assert.rejects(reader(node.url).ask({ ...question('').request, model: 'none' }), { name: 'ReplyError', code: 'model_not_found', status: 404 });
    await assert.rejects(reader(node.url).ask(question('early_error=4000').request), { name: 'ReplyError', code: 'upstream_invalid_request' });
    await assert.rejects(reader(node.url).ask(question('chunks=20 failed=5000 failed_after=5').request), { name: 'ReplyError', status: 200 });
    await assert.rejects(reader(node.url).follow(`turn_${'0'.repeat(26)}`), { name: 'ReplyError', code: 'not_found' });
  });

  test('resume-node.mjs prints the reply, whatever happens to its connections', async () => {
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
