// The unmodified official OpenAI client with the fake OpenAI of the sandbox.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError, RateLimitError } from 'openai';
import { startSandbox } from './support.mjs';

const model = 'gpt-sandbox';
const tools = [{ type: 'function', function: { name: 'get_time', parameters: { type: 'object', properties: {} } } }];

describe('openai with the fake OpenAI', { timeout: 120_000 }, () => {
  let sandbox;
  let openai;

  const client = (apiKey) => new OpenAI({ apiKey, baseURL: `${sandbox.url}/openai/v1`, maxRetries: 0 });

  before(async () => {
    sandbox = await startSandbox();
    openai = client('sk-openai-sandbox-1234567890');
  });

  after(() => sandbox?.stop());

  const ask = (content, more = {}) => ({ model, messages: [{ role: 'user', content }], ...more });

  for (const form of ['', 'torn', 'escape=ascii', 'newline=crlf', 'colon=space']) {
    test(`a stream has the whole text and the usage (${form})`, async () => {
      const stream = await openai.chat.completions.create(
        ask(`Hi [[text=unicode chunks=30 reasoning=3 seed=4 ${form}]]`, { stream: true, stream_options: { include_usage: true } }));
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      const whole = await openai.chat.completions.create(ask('Hi [[text=unicode chunks=30 reasoning=3 seed=4]]'));

      assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), whole.choices[0].message.content);
      assert.equal(chunks.at(-2).choices[0].finish_reason, 'stop');
      assert.ok(chunks.at(-1).usage.prompt_tokens_details.cached_tokens > 0);
      assert.ok(whole.usage.completion_tokens_details.reasoning_tokens > 0);
    });
  }

  test('tools in two rounds, with the helper of the client', async () => {
    const messages = [{ role: 'user', content: 'What time is it? [[requires_action=get_time]]' }];
    const first = await openai.chat.completions.stream({ model, messages, tools }).finalMessage();
    assert.equal(first.tool_calls[0].function.name, 'get_time');
    messages.push(first, { role: 'tool', tool_call_id: first.tool_calls[0].id, content: 'noon' });
    const second = await openai.chat.completions.create({ model, messages, tools });
    assert.match(second.choices[0].message.content, /noon/);

    await assert.rejects(openai.chat.completions.create({ model, messages: messages.slice(0, 2), tools }), BadRequestError);
  });

  test('structured output', async () => {
    const format = { type: 'json_schema', json_schema: { name: 'reply', schema: { type: 'object', properties: { answer: { type: 'string' } } } } };
    const reply = await openai.chat.completions.create(ask('Hello', { response_format: format }));
    assert.equal(JSON.parse(reply.choices[0].message.content).answer, 'Hello');
  });

  test('errors are those of the client', async () => {
    await assert.rejects(client('sk-wrong').chat.completions.create(ask('x')), AuthenticationError);
    const poor = client('sk-openai-sandbox-no-credit');
    await assert.rejects(poor.chat.completions.create(ask('x')), (e) => e instanceof RateLimitError && e.code === 'insufficient_quota');
    await assert.rejects(openai.chat.completions.create({ ...ask('x'), model: 'gpt-9' }), NotFoundError);
    await assert.rejects(openai.chat.completions.create(ask('x [[early_error=429]]')), RateLimitError);
    const stream = await openai.chat.completions.create(ask('x [[chunks=9 error=500 error_after=3]]', { stream: true }));
    await assert.rejects(async () => {
      for await (const _ of stream);
    });
  });

  test('embeddings in both encodings', async () => {
    const input = ['Hello', '你好'];
    // The client asks for Base64 and decodes it, unless it is told the encoding.
    const decoded = await openai.embeddings.create({ model: 'embedding-sandbox', input, dimensions: 5 });
    const numbers = await openai.embeddings.create({ model: 'embedding-sandbox', input, dimensions: 5, encoding_format: 'float' });
    assert.deepEqual(decoded.data.map((item) => item.embedding.map(Math.fround)), numbers.data.map((item) => item.embedding.map(Math.fround)));
    assert.equal(numbers.data[1].embedding.length, 5);
    assert.equal(decoded.usage.prompt_tokens, numbers.usage.prompt_tokens);
    await assert.rejects(openai.embeddings.create({ model: 'embedding-sandbox', input: [] }), BadRequestError);
    await assert.rejects(openai.embeddings.create({ model, input }), NotFoundError);
  });

  test('moderations', async () => {
    const checks = await openai.moderations.create({ model: 'moderation-sandbox', input: ['I like cats.', 'This is violence.'] });
    assert.deepEqual(checks.results.map((result) => result.flagged), [false, true]);
    assert.equal(checks.results[1].categories.violence, true);
  });

  describe('responses', () => {
    const request = (content, more = {}) => ({ model, input: [{ role: 'user', content }], ...more });
    const tool = { type: 'function', name: 'get_time', parameters: { type: 'object', properties: {} }, strict: false };

    for (const form of ['', 'torn', 'escape=ascii', 'newline=crlf', 'colon=space']) {
      test(`the helper of the client accepts a stream (${form})`, async () => {
        const stream = openai.responses.stream(request(`Hi [[text=unicode chunks=30 reasoning=3 seed=4 ${form}]]`));
        let text = '';
        stream.on('response.output_text.delta', ({ delta }) => (text += delta));
        const final = await stream.finalResponse();
        const whole = await openai.responses.create(request('Hi [[text=unicode chunks=30 reasoning=3 seed=4]]'));
        assert.equal(text, whole.output_text);
        assert.equal(final.output_text, whole.output_text);
        assert.equal(final.status, 'completed');
        assert.ok(final.usage.output_tokens_details.reasoning_tokens > 0);
      });
    }

    test('tools in two rounds', async () => {
      const input = [{ role: 'user', content: 'What time is it? [[requires_action=get_time]]' }];
      const first = await openai.responses.stream({ model, input, tools: [tool] }).finalResponse();
      const call = first.output.find((item) => item.type === 'function_call');
      assert.deepEqual(JSON.parse(call.arguments), { query: 'sandbox' });
      input.push(call, { type: 'function_call_output', call_id: call.call_id, output: 'noon' });
      assert.match((await openai.responses.create({ model, input, tools: [tool] })).output_text, /noon/);
      await assert.rejects(openai.responses.create({ model, input: input.slice(0, 2), tools: [tool] }), BadRequestError);
    });

    test('structured output', async () => {
      const format = { type: 'json_schema', name: 'reply', schema: { type: 'object', properties: { answer: { type: 'string' } } } };
      assert.equal(JSON.parse((await openai.responses.create(request('Hello', { text: { format } }))).output_text).answer, 'Hello');
    });

    test('a background response is read on after its stream broke', async () => {
      const stream = await openai.responses.create(request('Hi [[text=unicode chunks=30 seed=5 disconnect_after=9]]', { stream: true, background: true }));
      const seen = [];
      await assert.rejects(async () => {
        for await (const event of stream) seen.push(event);
      });
      const { id } = seen[0].response;
      for await (const event of await openai.responses.retrieve(id, { stream: true, starting_after: seen.at(-1).sequence_number })) seen.push(event);

      assert.deepEqual(seen.map((event) => event.sequence_number), seen.map((_, index) => index));
      const text = seen.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta).join('');
      assert.equal(text, (await openai.responses.retrieve(id)).output_text);
      const again = await openai.responses.stream({ response_id: id }).finalResponse();
      assert.equal(again.output_text, text);
    });

    test('a background response is cancelled and deleted', async () => {
      const { id, status } = await openai.responses.create(request('Hi [[stall_after=0]]', { background: true }));
      assert.equal(status, 'queued');
      for (let i = 0; i < 2; i++) assert.equal((await openai.responses.cancel(id)).status, 'cancelled');
      await openai.responses.delete(id);
      await assert.rejects(openai.responses.retrieve(id), NotFoundError);
    });

    test('errors and cuts are those of the client', async () => {
      await assert.rejects(openai.responses.create(request('x [[early_error=429]]')), RateLimitError);
      await assert.rejects(openai.responses.create({ ...request('x'), model: 'gpt-9' }), NotFoundError);
      await assert.rejects(openai.responses.stream(request('x [[chunks=9 error=500 error_after=3]]')).finalResponse());
      const failed = await openai.responses.stream(request('x [[chunks=9 failed=500 failed_after=3]]')).finalResponse();
      assert.deepEqual([failed.status, failed.error.code], ['failed', 'server_error']);
      const cut = await openai.responses.create(request('x [[chunks=9 finish=length]]'));
      assert.deepEqual([cut.status, cut.incomplete_details.reason], ['incomplete', 'max_output_tokens']);
    });
  });
});
