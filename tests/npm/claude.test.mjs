// The unmodified official Claude client with the fake Claude.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Anthropic, {
  APIConnectionError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError,
} from '@anthropic-ai/sdk';
import { control, startSandbox } from './support.mjs';

const model = 'claude-sonnet-4-5';
const weather = {
  name: 'weather',
  description: 'Tells the weather.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false },
};

describe('@anthropic-ai/sdk with the sandbox', { timeout: 120_000 }, () => {
  let sandbox;
  let claude;

  before(async () => {
    sandbox = await startSandbox();
    claude = client('sk-ant-sandbox');
  });

  after(() => sandbox?.stop());

  const client = (apiKey) => new Anthropic({ apiKey, baseURL: `${sandbox.url}/claude`, maxRetries: 0 });

  const ask = (content, more = {}) => ({ model, max_tokens: 4000, messages: [{ role: 'user', content }], ...more });

  test('models are listed', async () => {
    const ids = [];
    for await (const { id } of claude.models.list()) ids.push(id);
    assert.ok(ids.includes(model));
    assert.equal((await claude.models.retrieve(model)).id, model);
  });

  test('a message has text, usage and an end', async () => {
    const message = await claude.messages.create(ask('[[say="Hello 你好 🚀" usage=7/5 cache=3/2]]'));
    assert.deepEqual(message.content.map((block) => block.text), ['Hello 你好 🚀']);
    assert.equal(message.stop_reason, 'end_turn');
    const { input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = message.usage;
    assert.deepEqual([input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens], [7, 5, 3, 2]);
    assert.match(message._request_id, /^req_/);
  });

  test('a stream gives the same as the whole message, in every form', async () => {
    for (const form of ['', 'torn escape=ascii', 'newline=crlf colon=tight', 'unknown redacted']) {
      const prompt = `[[text=unicode chunks=60 chunk=2 reasoning=9 ${form}]]`;
      const params = ask(prompt, { thinking: { type: 'enabled', budget_tokens: 1024 } });
      const whole = await claude.messages.create(params);
      const stream = claude.messages.stream(params);
      let text = '';
      stream.on('text', (delta) => (text += delta));
      const message = await stream.finalMessage();
      assert.deepEqual(message.content, whole.content);
      assert.equal(text, whole.content.at(-1).text);
      assert.equal(message.content.find((block) => block.type === 'thinking').signature.length > 0, true);
    }
  });

  test('tools are called in parallel and their results answered', async () => {
    const tools = [weather, { ...weather, name: 'time' }];
    const first = await claude.messages.stream(ask('[[tool=weather,time]]', { tools })).finalMessage();
    assert.equal(first.stop_reason, 'tool_use');
    const calls = first.content.filter((block) => block.type === 'tool_use');
    assert.deepEqual(calls.map(({ name, input }) => [name, typeof input.city]), [['weather', 'string'], ['time', 'string']]);
    const second = await claude.messages.create({
      model, max_tokens: 4000, tools,
      messages: [
        { role: 'user', content: '[[tool=weather,time]]' },
        { role: 'assistant', content: first.content },
        { role: 'user', content: calls.map(({ id, name }) => ({ type: 'tool_result', tool_use_id: id, content: `result of ${name}` })) },
      ],
    });
    assert.match(second.content[0].text, /result of weather; result of time/);
  });

  test('structured output follows its schema', async () => {
    const message = await claude.messages.create(ask('Hi', { output_config: { format: { type: 'json_schema', schema: weather.input_schema } } }));
    assert.equal(typeof JSON.parse(message.content[0].text).city, 'string');
    const forced = await claude.messages.create(ask('Hi', { tools: [weather], tool_choice: { type: 'tool', name: 'weather' } }));
    assert.equal(forced.content[0].type, 'tool_use');
  });

  test('errors have the types of the client', async () => {
    await assert.rejects(client('sk-ant-wrong').messages.create(ask('Hi')), AuthenticationError);
    await assert.rejects(client('sk-ant-sandbox-forbidden').messages.create(ask('Hi')), PermissionDeniedError);
    await assert.rejects(claude.messages.create(ask('Hi', { model: 'claude-0' })), NotFoundError);
    await assert.rejects(claude.messages.create(ask(' ')), (error) => error instanceof BadRequestError && error.type === 'invalid_request_error');
    await assert.rejects(claude.messages.create(ask('[[early_error=429 retry_after=3s]]')),
      (error) => error instanceof RateLimitError && error.headers.get('retry-after') === '3');
    await assert.rejects(claude.messages.create(ask('[[early_error=529]]')), (error) => error instanceof InternalServerError && error.status === 529);
  });

  test('errors within a stream end it', async () => {
    await assert.rejects(claude.messages.stream(ask('[[chunks=9 error=overloaded_error error_after=3]]')).finalMessage(), /Overloaded/);
    await assert.rejects(claude.messages.stream(ask('[[chunks=9 cut_after=3]]')).finalMessage());
    await assert.rejects(claude.messages.stream(ask('[[chunks=9 disconnect_after=3]]')).finalMessage());
    await assert.rejects(claude.messages.create(ask('[[first_byte=1m]]'), { timeout: 300 }), APIConnectionError);
  });

  test('an abort reaches the server', async () => {
    await control(`${sandbox.url}/claude/sandbox/reset`, {});
    const stream = claude.messages.stream(ask('[[chunks=900 stall_after=5]]'));
    await new Promise((resolve) => stream.once('text', resolve));
    stream.abort();
    await stream.done().catch(() => {});
    for (let tries = 0; ; tries++) {
      const [{ status }] = await control(`${sandbox.url}/claude/sandbox/messages`);
      if (status === 'abandoned') break;
      assert.ok(tries < 200, status);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  });
});
