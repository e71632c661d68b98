// The unmodified official OpenAI client with language models of OpenAI, Claude and Gemini behind a node in sandbox mode.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import OpenAI, { APIConnectionError, APIError, AuthenticationError, BadRequestError, InternalServerError, RateLimitError } from 'openai';
import { models } from './language-models-support.mjs';
import { control, startNode } from './support.mjs';

// A PNG of one pixel.
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'], additionalProperties: false };
const format = { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } };
const tools = ['get_weather', 'get_time'].map((name) => ({
  type: 'function',
  function: { name, description: 'Finds something.', parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] } },
}));

describe('openai with language models behind a node', { timeout: 600_000 }, () => {
  let node;
  let url;
  let openai;

  before(async () => {
    node = await startNode();
    url = node.coze.replace(/\/coze$/, '');
    openai = client();
  });

  after(() => node?.stop());

  const client = (maxRetries = 0) => new OpenAI({ apiKey: 'sk-sandbox', baseURL: `${node.url}/v1`, maxRetries });

  test('a chain: a Coze bot that is not published, then Claude without an answer, then OpenAI', async () => {
    await control(`${url}/claude/sandbox/script`, { script: 'early_error=529', times: 1 });
    const mark = randomUUID();
    const runner = openai.chat.completions.stream({
      model: 'fallback-sandbox', messages: [{ role: 'user', content: `${mark} [[text=unicode chunks=30 seed=4]]` }],
    });
    const text = await runner.finalContent();
    const [completion] = await control(`${url}/openai/sandbox/completions?prompt=${mark}`);
    assert.equal(text, completion.reply);
  });

  test('OpenAI: a server that answers a stream request with one JSON object', async () => {
    const content = 'Hi [[text=unicode chunks=20 reasoning=3 whole]]';
    const runner = openai.chat.completions.stream({ model: 'openai-sandbox', messages: [{ role: 'user', content }] });
    const { choices } = await runner.finalChatCompletion();
    assert.ok(choices[0].message.content.length > 50);
    assert.equal(choices[0].finish_reason, 'stop');
  });

  test('embeddings in both encodings', async () => {
    const input = ['Hello', '你好'];
    const decoded = await openai.embeddings.create({ model: 'embeddings-sandbox', input });
    const numbers = await openai.embeddings.create({ model: 'embeddings-sandbox', input, encoding_format: 'float' });
    assert.deepEqual(decoded.data.map((item) => item.embedding.map(Math.fround)), numbers.data.map((item) => item.embedding.map(Math.fround)));
    assert.equal(decoded.model, 'embeddings-sandbox');
    assert.ok(decoded.usage.total_tokens > 0);
    await assert.rejects(openai.embeddings.create({ model: 'coze-sandbox', input }), (e) => e instanceof BadRequestError && e.param === 'model');
  });

  test('moderations', async () => {
    const checks = await openai.moderations.create({ model: 'moderations-sandbox', input: ['I like cats.', 'This is violence.'] });
    assert.deepEqual(checks.results.map((result) => result.flagged), [false, true]);
  });

  test('the key of the client reaches the upstream, and a wrong one is its own fault', async () => {
    const withKey = (key) => openai.withOptions({ defaultHeaders: { 'x-upstream-authorization': `openai ${key}` } });
    const ask = { model: 'openai-own-key', messages: [{ role: 'user', content: 'Hi [[say=Hello]]' }] };
    const reply = await withKey('sk-openai-sandbox-own-0987654321').chat.completions.create(ask);
    assert.equal(reply.choices[0].message.content, 'Hello');
    await assert.rejects(
      withKey('sk-wrong-0123456789').chat.completions.create(ask), (e) => e instanceof AuthenticationError && e.code === 'upstream_credential_refused');
    await assert.rejects(openai.chat.completions.create(ask), (e) => e instanceof BadRequestError && e.param === 'x-upstream-authorization');
  });

  for (const fake of models) {
    describe(fake.model, () => {
      const { model } = fake;

      // Creates a unique prompt. `records` finds what the fake recorded about it, the newest last.
      function question(directives) {
        const mark = randomUUID();
        const records = async () => (await fake.records(url)).filter((record) => JSON.stringify(record.request).includes(mark));
        return { content: `${mark} [[${directives}]]`, records, newest: async () => fake.read((await records()).at(-1)) };
      }

      const ask = (content, more = {}) => ({ model, messages: [{ role: 'user', content }], ...more });

      async function readText(stream, onText = () => {}) {
        let text = '';
        for await (const chunk of stream) {
          text += chunk.choices[0]?.delta.content ?? '';
          if (text) onText(text);
        }
        return text;
      }

      // A fake learns from its socket that its client has gone, a moment later.
      async function waitUntilGone(q) {
        for (let tries = 0; ; tries++) {
          const [record] = await q.records();
          if (record && fake.read(record).isGone) return fake.read(record);
          assert.ok(tries < 400, `The request still runs: ${JSON.stringify(record)}`);
          await new Promise((resolve) => setTimeout(resolve, 25));
        }
      }

      test('a whole reply', async () => {
        const q = question('text=unicode chunks=30 seed=2');
        const { choices, usage } = await openai.chat.completions.create(ask(q.content));

        assert.equal(choices[0].message.content, (await q.newest()).text);
        assert.equal(choices[0].finish_reason, 'stop');
        assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
        assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
      });

      for (const form of ['', 'torn', 'torn newline=crlf', 'torn escape=ascii newline=lf']) {
        test(`a stream has the exact text (${form})`, async () => {
          const q = question(`text=unicode chunks=60 chunk=3 seed=7 ${form}`);
          const stream = await openai.chat.completions.create(ask(q.content, { stream: true, stream_options: { include_usage: true } }));
          const chunks = [];
          for await (const chunk of stream) chunks.push(chunk);
          const { text } = await q.newest();

          assert.ok(text.length > 100 && /[^\x00-\x7f]/.test(text));
          assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), text);
          assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
          assert.ok(chunks.at(-1).usage.completion_tokens > 0);
          assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
        });
      }

      test('tools in two rounds, whole', async () => {
        const messages = [{ role: 'user', content: question(fake.call('get_weather,get_time')).content }];
        const first = await openai.chat.completions.create({ model, messages, tools });
        const { tool_calls: calls } = first.choices[0].message;
        assert.equal(first.choices[0].finish_reason, 'tool_calls');
        assert.deepEqual(calls.map((call) => call.function.name), ['get_weather', 'get_time']);
        for (const call of calls) assert.equal(typeof JSON.parse(call.function.arguments).query, 'string');

        messages.push(first.choices[0].message, ...calls.map(({ id, function: { name } }) => ({ role: 'tool', tool_call_id: id, content: `it is ${name}` })));
        const second = await openai.chat.completions.create({ model, messages, tools });
        assert.match(second.choices[0].message.content, /it is get_weather.*it is get_time/s);
        assert.equal(second.choices[0].finish_reason, 'stop');
      });

      test('tools in two rounds, streamed', async () => {
        const messages = [{ role: 'user', content: question(fake.call('get_time')).content }];
        const first = await openai.chat.completions.stream({ model, messages, tools }).finalMessage();
        assert.deepEqual(first.tool_calls.map((call) => call.function.name), ['get_time']);

        messages.push(first, { role: 'tool', tool_call_id: first.tool_calls[0].id, content: 'it is noon' });
        assert.match(await readText(await openai.chat.completions.create({ model, messages, tools, stream: true })), /it is noon/);
      });

      test('a tool that is forced is called', async () => {
        const { choices } = await openai.chat.completions.create(
          ask('Hello', { tools, tool_choice: { type: 'function', function: { name: 'get_time' } } }));
        assert.deepEqual(choices[0].message.tool_calls.map((call) => call.function.name), ['get_time']);
      });

      test('structured output', async () => {
        const q = question('');
        const whole = await openai.chat.completions.create(ask(q.content, { response_format: format }));
        assert.equal(typeof JSON.parse(whole.choices[0].message.content).answer, 'string');
        assert.match(JSON.stringify((await q.records())[0].request), /"additionalProperties":false/);

        const streamed = await readText(await openai.chat.completions.create(ask(q.content, { response_format: format, stream: true })));
        assert.deepEqual(JSON.parse(streamed), JSON.parse(whole.choices[0].message.content));
      });

      test('an image reaches the model', async () => {
        const q = question('say=seen');
        const content = [{ type: 'text', text: q.content }, { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } }];
        const { choices } = await openai.chat.completions.create(ask(content));
        assert.equal(choices[0].message.content, 'seen');
        assert.ok(JSON.stringify((await q.records())[0].request).includes(pixel));
      });

      test('the reasoning comes before the text', async () => {
        const stream = await openai.chat.completions.create(ask('[[say=done reasoning=5]]', { stream: true, reasoning_effort: 'low' }));
        const seen = [];
        for await (const { choices: [{ delta } = {}] } of stream) {
          if (delta?.reasoning_content) seen.push('reasoning');
          if (delta?.content) seen.push('text');
        }
        assert.match(seen.join(' '), /^(reasoning )+text( text)*$/);
      });

      for (const [directives, reason] of fake.ends) {
        test(`the reason of the end: ${directives}`, async () => {
          const whole = await openai.chat.completions.create(ask(`[[${directives}]]`));
          assert.equal(whole.choices[0].finish_reason, reason);
          const runner = openai.chat.completions.stream(ask(`[[${directives}]]`));
          let last;
          for await (const { choices } of runner) last = choices[0]?.finish_reason ?? last;
          assert.equal(last, reason);
        });
      }

      test('instructions, settings and a history reach the model', async () => {
        const q = question('say=ok');
        const messages = [
          { role: 'system', content: 'Speak like a pirate.' },
          { role: 'user', content: 'I am Ada.' },
          { role: 'assistant', content: 'Ahoy, Ada!' },
          { role: 'user', content: q.content },
        ];
        await openai.chat.completions.create({ model, messages, temperature: 0.25, max_completion_tokens: 123, stop: ['END'] });
        const request = JSON.stringify((await q.records())[0].request);
        const parts = ['Speak like a pirate.', 'I am Ada.', 'Ahoy, Ada!', '0.25', '123', ...(fake.withoutStop ? [] : ['END'])];
        for (const part of parts) assert.ok(request.includes(part), `${part}: ${request}`);
      });

      test('a named conversation continues with its history', async () => {
        const conversation_id = randomUUID();
        await openai.chat.completions.create(ask('[[say="My name is Bo."]]', { conversation_id }));
        const q = question('say=ok');
        await openai.chat.completions.create(ask(q.content, { conversation_id }));
        assert.ok(JSON.stringify((await q.records())[0].request).includes('My name is Bo.'));
      });

      test('a file reaches the model', async () => {
        const q = question('say=read');
        const data = Buffer.from('%PDF-1.4\n%%EOF').toString('base64');
        const content = [{ type: 'text', text: q.content }, { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${data}` } }];
        assert.equal((await openai.chat.completions.create(ask(content))).choices[0].message.content, 'read');
        assert.ok(JSON.stringify((await q.records())[0].request).includes(data));
      });

      test('20 streams at once are each exact', async () => {
        const questions = Array.from({ length: 20 }, (_, i) => question(`text=unicode chunks=40 pace=2ms seed=${i}`));
        const texts = await Promise.all(questions.map(async (q) => readText(await openai.chat.completions.create(ask(q.content, { stream: true })))));
        for (const [i, q] of questions.entries()) assert.equal(texts[i], (await q.newest()).text);
        assert.equal(new Set(texts).size, 20);
      });

      test('an abort before the text reaches the model', async () => {
        const q = question('chunks=9 think=5m');
        const abort = new AbortController();
        const aborted = assert.rejects(async () => readText(await openai.chat.completions.create(ask(q.content, { stream: true }), { signal: abort.signal })));
        while ((await q.records()).length === 0) await new Promise((resolve) => setTimeout(resolve, 25));
        abort.abort();
        await aborted;
        assert.equal((await waitUntilGone(q)).deltas, 0);
      });

      test('an abort of a stream reaches the model', async () => {
        const q = question('chunks=500 stall_after=5');
        const stream = await openai.chat.completions.create(ask(q.content, { stream: true }));
        assert.notEqual(await readText(stream, () => stream.controller.abort()), '');
        const { deltas } = await waitUntilGone(q);
        assert.ok(deltas > 0 && deltas < 500);
      });

      test('an abort without a stream reaches the model', async () => {
        const q = question('chunks=500 stall_after=5');
        const abort = new AbortController();
        const completion = openai.chat.completions.create(ask(q.content), { signal: abort.signal });
        const aborted = assert.rejects(completion);
        while ((await q.records()).length === 0) await new Promise((resolve) => setTimeout(resolve, 25));
        abort.abort();
        await aborted;
        await waitUntilGone(q);
      });

      describe('faults', () => {
        // A model that has failed rests for seconds. The client waits as the node says.
        async function recover() {
          const { choices } = await client(20).chat.completions.create(ask('[[say=well]]'));
          assert.equal(choices[0].message.content, 'well');
        }

        for (const [directives, code] of [fake.early, fake.refused]) {
          for (const stream of [false, true]) {
            test(`before the text: ${directives}, ${stream ? 'streamed' : 'whole'}`, async () => {
              await assert.rejects(
                openai.chat.completions.create(ask(`[[${directives}]]`, { stream })),
                (error) => error instanceof BadRequestError && error.code === code && assert.ok(error.requestID) === undefined,
              );
            });
          }
        }

        for (const directives of fake.unavailable) {
          test(`before the text: ${directives}`, async () => {
            // The node tries again for a moment. A stream that has begun meanwhile ends with the error.
            let text = '';
            const request = async () => readText(await openai.chat.completions.create(ask(`[[${directives}]]`, { stream: true })), (all) => (text = all));
            await assert.rejects(request, (error) => {
              assert.ok(error instanceof APIError && !(error instanceof APIConnectionError), `${error}`);
              assert.match(error.code, /^upstream_/);
              return true;
            });
            assert.equal(text, '');
            await recover();
          });
        }

        for (const [fault, code] of fake.broken) {
          const directives = fault.includes('=') ? `${fault} error_after=3` : `${fault}_after=3`;
          test(`after the text: ${directives}`, async () => {
            let text = '';
            const stream = await openai.chat.completions.create(ask(`[[say=0123456789 chunk=2 ${directives}]]`, { stream: true }));
            await assert.rejects(readText(stream, (all) => (text = all)), (error) => {
              assert.ok(error instanceof APIError && !(error instanceof APIConnectionError), `${error}`);
              assert.equal(error.code, code);
              return true;
            });
            assert.equal(text, '012345');
            await recover();
          });
        }

        test(`a limit: ${fake.limited}`, async () => {
          await assert.rejects(openai.chat.completions.create(ask(`[[${fake.limited}]]`)), (error) => {
            assert.ok(error instanceof RateLimitError, `${error}`);
            assert.equal(error.code, 'rate_limit_exceeded');
            assert.match(error.headers.get('retry-after'), /^[1-3]$/);
            return true;
          });
          await recover();
        });

        for (const stream of [false, true]) {
          const skip = !fake.survives && 'Replies end with their connection.';
          test(`a connection that breaks is no fault, ${stream ? 'streamed' : 'whole'}`, { skip }, async () => {
            const q = question('text=unicode chunks=30 chunk=3 seed=8 disconnect_after=7');
            const reply = await openai.chat.completions.create(ask(q.content, { stream }));
            const text = stream ? await readText(reply) : reply.choices[0].message.content;
            assert.equal(text, (await q.newest()).text);
            assert.equal((await q.records()).length, 1);
          });
        }

        test('after the text, without a stream: an error and no text', { skip: fake.survives && 'Replies go on.' }, async () => {
          await assert.rejects(openai.chat.completions.create(ask('[[say=0123456789 chunk=2 disconnect_after=3]]')), InternalServerError);
          await recover();
        });

        // This test is the last, because it disables the account for a while.
        test('out of credit', { skip: !fake.credit && 'The fake has no such error.' }, async () => {
          await assert.rejects(openai.chat.completions.create(ask(`[[${fake.credit}]]`)), (error) => {
            assert.ok(error instanceof RateLimitError, `${error}`);
            assert.equal(error.code, 'insufficient_quota');
            assert.equal(error.headers.get('x-should-retry'), 'false');
            return true;
          });
        });
      });
    });
  }
});
