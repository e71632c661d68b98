// The unmodified official OpenAI client with bots on the fake Discord, in every channel mode.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { control, startNode } from './support.mjs';

// A PNG of one pixel.
const image = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('openai with bots on Discord', { timeout: 180_000 }, () => {
  const kept = new Set();
  let node;
  let openai;
  let guild;

  before(async () => {
    node = await startNode();
    openai = new OpenAI({ apiKey: 'sk-sandbox', baseURL: `${node.url}/v1`, maxRetries: 0 });
    [guild] = (await control(`${node.discord}/sandbox/seeds`)).guilds;
    for (const id of [guild.category_id, guild.general_id, guild.fixed_id]) kept.add(id);
  });

  after(() => node?.stop());

  const records = (query) => control(`${node.discord}/sandbox/records?${query}`);

  // Creates a unique prompt. `botText` waits for the reply at the fake Discord.
  function question(directives = '') {
    const mark = randomUUID();
    async function botText() {
      const started = (await records('kind=reply_started')).find((line) => line.detail.includes(mark));
      for (let from = started.index; ; ) {
        const lines = await records(`kind=reply_finished&from=${from}&wait=30s`);
        const finished = lines.find((line) => line.message_id === started.message_id);
        if (finished) return finished.detail;
        from = lines.at(-1).index + 1;
      }
    }
    return { mark, content: `${mark} [[${directives}]]`, botText };
  }

  async function collect(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  }

  const text = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

  test('models are listed', async () => {
    const ids = [];
    for await (const { id } of openai.models.list()) ids.push(id);

    for (const model of ['discord-sandbox', 'discord-sandbox-thread', 'discord-sandbox-fixed']) assert.ok(ids.includes(model), model);
  });

  for (const model of ['discord-sandbox', 'discord-sandbox-thread', 'discord-sandbox-fixed']) {
    describe(model, () => {
      const ask = (content, more = {}) => ({ model, messages: [{ role: 'user', content }], ...more });

      test('chat: a complete reply, with its buttons as follow-ups', async () => {
        const q = question('labels="More?|Why?"');
        const completion = await openai.chat.completions.create(ask(q.content));

        assert.equal(completion.choices[0].message.content, await q.botText());
        assert.equal(completion.choices[0].finish_reason, 'stop');
        assert.deepEqual(completion.cozecluster.follow_ups, ['More?', 'Why?']);
      });

      test('stream: exact text, over several messages', async () => {
        const q = question('text=unicode length=5000 chunks=40 pace=5ms');
        const chunks = await collect(await openai.chat.completions.create(ask(q.content, { stream: true })));

        assert.equal(text(chunks), await q.botText());
        assert.equal(chunks[0].choices[0].delta.role, 'assistant');
        assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
        assert.ok(chunks.length > 10);
      });

      test("stream: the client's helper assembles the reply", async () => {
        const q = question('chunks=10');

        assert.equal(await openai.chat.completions.stream(ask(q.content)).finalContent(), await q.botText());
      });

      test('stream: 20 at once', async () => {
        const questions = Array.from({ length: 20 }, () => question('chunks=20 pace=10ms'));
        const texts = await Promise.all(
          questions.map(async (q) => text(await collect(await openai.chat.completions.create(ask(q.content, { stream: true }))))),
        );

        for (const [i, q] of questions.entries()) assert.equal(texts[i], await q.botText());
        assert.equal(new Set(texts).size, 20);
      });

      test('images: bytes are uploaded, URLs are passed on', async () => {
        const content = [
          { type: 'text', text: question('full').content },
          { type: 'image_url', image_url: { url: image } },
          { type: 'image_url', image_url: { url: 'https://images.example/cat.png' } },
        ];
        const completion = await openai.chat.completions.create(ask(content));

        assert.match(completion.choices[0].message.content, /\.png, image\/png, 70 bytes\]/);
        assert.match(completion.choices[0].message.content, /https:\/\/images\.example\/cat\.png/);
      });

      test('conversations: the next turn continues in the same channel', async () => {
        const conversation_id = randomUUID();
        const channels = [];
        for (const directives of ['say=one', 'full']) {
          const { cozecluster } = await openai.chat.completions.create(ask(question(directives).content, { conversation_id }));
          channels.push(cozecluster.origin.ids.channel_id);
        }
        kept.add(channels[0]);

        assert.equal(channels[1], channels[0]);
      });

      test('afterwards: all channels and threads are deleted', async () => {
        while (true) {
          const left = (await control(`${node.discord}/sandbox/guilds/${guild.id}/channels`)).filter(({ id }) => !kept.has(id));
          if (left.length === 0) return;
          await sleep(500);
        }
      });
    });
  }
});
