// The unmodified official OpenAI client with a node in sandbox mode.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from 'openai';
import { control, startNode } from './support.mjs';

// A PNG of one pixel.
const image = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('openai with a node', { timeout: 180_000 }, () => {
  const model = 'coze-sandbox';
  let node;
  let openai;

  before(async () => {
    node = await startNode();
    openai = client();
  });

  after(() => node?.stop());

  const client = (apiKey = 'sk-sandbox') => new OpenAI({ apiKey, baseURL: `${node.url}/v1`, maxRetries: 0 });

  // Creates a unique prompt. `chat` finds its chat at the fake Coze.
  function question(directives = '') {
    const mark = randomUUID();
    const chats = async (query = '') => (await control(`${node.coze}/sandbox/chats?prompt=${mark}${query}`)).chats;
    return { content: `${mark} [[${directives}]]`, chats, chat: async (query) => (await chats(query))[0] };
  }

  const ask = (content, more = {}) => ({ model, messages: [{ role: 'user', content }], ...more });

  async function collect(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  }

  const text = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

  test('models: list and retrieve', async () => {
    const ids = [];
    for await (const { id } of openai.models.list()) ids.push(id);
    assert.ok(ids.includes(model));

    const one = await openai.models.retrieve(model);
    assert.equal(one.id, model);
    assert.equal(one.object, 'model');
    assert.ok(one.created > 1_700_000_000);
  });

  test('chat: a complete reply', async () => {
    const q = question('chunks=20 usage=12/34');
    const completion = await openai.chat.completions.create(ask(q.content));

    assert.deepEqual([completion.choices[0].message.content], (await q.chat()).answers);
    assert.equal(completion.choices[0].finish_reason, 'stop');
    assert.equal(completion.usage.total_tokens, 46);
  });

  test('stream: exact text, usage if requested', async () => {
    const q = question('text=unicode chunks=100 chunk=3 seed=7 usage=12/34');
    const chunks = await collect(await openai.chat.completions.create(ask(q.content, { stream: true, stream_options: { include_usage: true } })));

    assert.deepEqual([text(chunks)], (await q.chat()).answers);
    assert.equal(chunks[0].choices[0].delta.role, 'assistant');
    assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.total_tokens, 46);
    assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  });

  test('stream: no usage unless requested', async () => {
    const chunks = await collect(await openai.chat.completions.create(ask('Hello', { stream: true })));

    assert.ok(chunks.every((chunk) => !('usage' in chunk)));
  });

  test("stream: the client's helper assembles the reply", async () => {
    const q = question('answers=2 chunks=10');
    const runner = openai.chat.completions.stream(ask(q.content));

    assert.equal(await runner.finalContent(), (await q.chat()).answers.join('\n\n'));
  });

  test('several choices: whole', async () => {
    const q = question('text=unicode chunks=20 usage=12/34');
    const completion = await openai.chat.completions.create(ask(q.content, { n: 2 }));

    assert.deepEqual(completion.choices.map((choice) => [choice.index, choice.finish_reason]), [[0, 'stop'], [1, 'stop']]);
    const answers = (await q.chats()).flatMap((chat) => chat.answers).sort();
    assert.deepEqual(completion.choices.map((choice) => choice.message.content).sort(), answers);
    assert.equal(completion.usage.total_tokens, 92);
  });

  test("several choices: the client's helper assembles the stream", async () => {
    const q = question('text=unicode chunks=50 pace=2ms usage=12/34');
    const runner = openai.chat.completions.stream(ask(q.content, { n: 2, stream_options: { include_usage: true } }));
    const completion = await runner.finalChatCompletion();

    assert.deepEqual(completion.choices.map((choice) => [choice.index, choice.finish_reason]), [[0, 'stop'], [1, 'stop']]);
    const answers = (await q.chats()).flatMap((chat) => chat.answers).sort();
    assert.deepEqual(completion.choices.map((choice) => choice.message.content).sort(), answers);
    assert.equal(completion.usage.total_tokens, 92);
  });

  test('several choices: an abort cancels all chats, and a number out of range names the field', async () => {
    const q = question('chunks=100000 pace=20ms');
    const stream = await openai.chat.completions.create(ask(q.content, { stream: true, n: 3 }));
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) stream.controller.abort();
    }

    await q.chats('&status=canceled&client_gone=true&ended=true&count=3&wait=30s');
    await assert.rejects(openai.chat.completions.create(ask('Hello', { n: 9 })), (e) => e instanceof BadRequestError && e.param === 'n');
  });

  test('stream: 20 at once', async () => {
    const questions = Array.from({ length: 20 }, (_, i) => question(`text=unicode chunks=100 pace=2ms seed=${i}`));
    const texts = await Promise.all(
      questions.map(async (q) => text(await collect(await openai.chat.completions.create(ask(q.content, { stream: true }))))),
    );

    for (const [i, q] of questions.entries()) assert.deepEqual([texts[i]], (await q.chat()).answers);
    assert.equal(new Set(texts).size, 20);
  });

  test('abort: cancels the chat', async () => {
    const q = question('chunks=100000 pace=20ms');
    const stream = await openai.chat.completions.create(ask(q.content, { stream: true }));
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) stream.controller.abort();
    }

    const chat = await q.chat('&status=canceled&client_gone=true&ended=true&wait=30s');
    assert.ok(chat.deltas_produced < 100_000);
  });

  test('abort: without streaming, cancels the chat', async () => {
    const q = question('chunks=100000 pace=20ms');
    const abort = new AbortController();
    const completion = openai.chat.completions.create(ask(q.content), { signal: abort.signal });
    await q.chats('&wait=30s');
    abort.abort();

    await assert.rejects(completion, APIUserAbortError);
    await q.chats('&status=canceled&client_gone=true&ended=true&wait=30s');
  });

  test('tools: the same chat continues with the result', async () => {
    const q = question('requires_action=find_user');
    const messages = [{ role: 'user', content: q.content }];
    const first = await openai.chat.completions.create({ model, messages });
    const [call] = first.choices[0].message.tool_calls;
    assert.equal(first.choices[0].finish_reason, 'tool_calls');
    assert.equal(call.function.name, 'find_user');
    assert.deepEqual(JSON.parse(call.function.arguments), { query: 'sandbox' });

    messages.push(first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'it is Ada' });
    const chunks = await collect(await openai.chat.completions.create({ model, messages, stream: true }));
    assert.match(text(chunks), /it is Ada/);
    assert.equal((await q.chats()).length, 1);
  });

  test('tools: the client assembles a streamed call', async () => {
    const runner = openai.chat.completions.stream(ask(question('requires_action=find_user').content));
    const { choices } = await runner.finalChatCompletion();

    assert.equal(choices[0].finish_reason, 'tool_calls');
    assert.equal(choices[0].message.tool_calls[0].function.name, 'find_user');
  });

  test('images: bytes are uploaded, URLs are passed on', async () => {
    const q = question('say=seen');
    const content = [
      { type: 'text', text: q.content },
      { type: 'image_url', image_url: { url: image } },
      { type: 'image_url', image_url: { url: 'https://images.example/cat.png' } },
    ];
    const completion = await openai.chat.completions.create(ask(content));
    assert.equal(completion.choices[0].message.content, 'seen');

    const [message] = (await q.chat()).request;
    assert.equal(message.content_type, 'object_string');
    const items = JSON.parse(message.content);
    assert.deepEqual(items.map((item) => item.type), ['text', 'image', 'image']);
    assert.match(items[1].file_id, /^\d+$/);
    assert.equal(items[2].file_url, 'https://images.example/cat.png');
  });

  test('conversations: the next turn continues at Coze', async () => {
    const conversation_id = randomUUID();
    const questions = [question('say=one'), question('say=two')];
    for (const q of questions) await openai.chat.completions.create(ask(q.content, { conversation_id }));

    const [first, second] = await Promise.all(questions.map((q) => q.chat()));
    assert.equal(second.conversation_id, first.conversation_id);
    assert.equal(second.request.length, 1);
  });

  test('responses contain the ids of request and turn', async () => {
    const { data, response, request_id } = await openai.chat.completions.create(ask('Hello')).withResponse();

    assert.ok(request_id);
    assert.equal(response.headers.get('x-turn-id'), data.cozecluster.turn_id);
    assert.equal(data.cozecluster.follow_ups.length, 3);
  });

  describe('errors are exceptions of the client', () => {
    const cases = [
      ['invalid key', () => client('sk-nobody').models.list(), AuthenticationError, 401, 'invalid_api_key'],
      ['unknown model', () => openai.chat.completions.create({ ...ask('x'), model: 'no-such-model' }), NotFoundError, 404, 'model_not_found'],
      ['unknown model to retrieve', () => openai.models.retrieve('no-such-model'), NotFoundError, 404, 'model_not_found'],
      ['invalid body', () => openai.chat.completions.create({ model, messages: 'x' }), BadRequestError, 400, null, 'messages'],
      ['invalid field', () => openai.chat.completions.create(ask('x', { temperature: 9 })), BadRequestError, 400, null, 'temperature'],
      ['too many choices', () => openai.chat.completions.create(ask('x', { n: 9 })), BadRequestError, 400, null, 'n'],
      ['prompt too long', () => openai.chat.completions.create(ask('[[early_error=4010]]')), BadRequestError, 400, 'context_length_exceeded'],
      ['bot not published', () => openai.chat.completions.create({ ...ask('x'), model: 'coze-sandbox-unpublished' }), InternalServerError, 502, 'upstream_forbidden'],
      ['account refused', () => openai.chat.completions.create({ ...ask('x', { stream: true }), model: 'coze-sandbox-unauthorized' }), InternalServerError, 502, 'upstream_unauthorized'],
    ];
    for (const [name, call, type, status, code, param = undefined] of cases) {
      test(name, async () => {
        await assert.rejects(call(), (error) => {
          assert.ok(error instanceof type, `${error}`);
          assert.equal(error.status, status);
          assert.equal(error.code, code);
          if (param !== undefined) assert.equal(error.param, param);
          assert.ok(error.requestID);
          return true;
        });
      });
    }

    test('in a stream: thrown after the text before it', async () => {
      const chunks = [];
      await assert.rejects(
        async () => {
          for await (const chunk of await openai.chat.completions.create(ask('[[say=0123456789 chunk=2 error=4014 error_after=3]]', { stream: true }))) chunks.push(chunk);
        },
        (error) => error instanceof APIError && error.code === 'content_filter',
      );
      assert.equal(text(chunks), '012345');
      assert.ok(chunks.every((chunk) => chunk.choices[0].finish_reason === null));
    });

    // This test is the last, because it disables the accounts for a while.
    test('out of credit', async () => {
      await assert.rejects(openai.chat.completions.create(ask('[[early_error=4011]]')), (error) => {
        assert.ok(error instanceof RateLimitError, `${error}`);
        assert.equal(error.code, 'insufficient_quota');
        assert.equal(error.headers.get('x-should-retry'), 'false');
        return true;
      });
    });
  });
});
