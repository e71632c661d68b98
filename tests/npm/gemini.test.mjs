// The unmodified official Gemini client with the fake Gemini.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from '@google/genai';
import { control, startSandbox } from './support.mjs';

// A PNG of one pixel.
const image = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('@google/genai with the sandbox', { timeout: 120_000 }, () => {
  const model = 'gemini-2.5-flash';
  let sandbox;
  let baseUrl;
  let ai;

  before(async () => {
    sandbox = await startSandbox();
    baseUrl = `${sandbox.url}/gemini`;
    ai = client('gemini-sandbox-key');
  });

  after(() => sandbox?.stop());

  const client = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl, retryOptions: { attempts: 1 } } });

  const answer = async (mark) => (await control(`${baseUrl}/sandbox/calls?prompt=${mark}`)).calls[0].answer;

  async function collect(stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  }

  const weather = { name: 'weather', description: 'x', parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } } } };

  test('generateContent: text, usage, reason', async () => {
    const reply = await ai.models.generateContent({ model, contents: 'Good morning [[usage=12/34 cached=5]]' });

    assert.match(reply.text, /Good morning/);
    assert.equal(reply.candidates[0].finishReason, 'STOP');
    assert.deepEqual([reply.usageMetadata.promptTokenCount, reply.usageMetadata.cachedContentTokenCount], [12, 5]);
  });

  for (const form of ['newline=crlf', 'newline=lf', 'escape=ascii', 'torn']) {
    test(`generateContentStream: unicode arrives exactly with ${form}`, async () => {
      const mark = randomUUID();
      const chunks = await collect(await ai.models.generateContentStream({ model, contents: `${mark} [[text=unicode chunks=100 chunk=3 seed=9 ${form}]]` }));

      assert.equal(chunks.map((chunk) => chunk.text ?? '').join(''), await answer(mark));
      assert.equal(chunks.at(-1).candidates[0].finishReason, 'STOP');
    });
  }

  test('thoughts', async () => {
    const chunks = await collect(
      await ai.models.generateContentStream({ model, contents: '[[reasoning=3]]', config: { thinkingConfig: { includeThoughts: true } } }),
    );

    assert.equal(chunks.flatMap((chunk) => chunk.candidates[0].content.parts).filter((part) => part.thought).length, 3);
  });

  test('tools: two rounds with a signature', async () => {
    const config = { tools: [{ functionDeclarations: [weather] }], toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } } };
    const user = { role: 'user', parts: [{ text: 'Weather?' }] };
    const asked = await ai.models.generateContent({ model: 'gemini-3-pro', contents: [user], config });
    assert.deepEqual(asked.functionCalls[0].args, { city: 'sandbox' });

    const result = { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { degrees: 20 } } }] };
    const contents = [user, asked.candidates[0].content, result];
    const answered = await ai.models.generateContent({ model: 'gemini-3-pro', contents, config: { tools: config.tools } });
    assert.match(answered.text, /"degrees":20/);

    const unsigned = { role: 'model', parts: [{ functionCall: asked.functionCalls[0] }] };
    await assert.rejects(
      ai.models.generateContent({ model: 'gemini-3-pro', contents: [user, unsigned, result], config: { tools: config.tools } }),
      (error) => error.status === 400 && /thought_signature/.test(error.message),
    );
  });

  test('structured output, and an image in and out', async () => {
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
    const structured = await ai.models.generateContent({ model, contents: 'x', config: { responseMimeType: 'application/json', responseJsonSchema: schema } });
    assert.deepEqual(JSON.parse(structured.text), { ok: true });

    const parts = [{ inlineData: { mimeType: 'image/png', data: image } }, { text: '[[image]]' }];
    const reply = await ai.models.generateContent({ model, contents: [{ role: 'user', parts }] });
    assert.equal(reply.candidates[0].content.parts.at(-1).inlineData.data, image);
  });

  test('blocked prompt, and other ends', async () => {
    assert.equal((await ai.models.generateContent({ model, contents: '[[block]]' })).promptFeedback.blockReason, 'SAFETY');
    assert.equal((await ai.models.generateContent({ model, contents: '[[finish=RECITATION]]' })).candidates[0].finishReason, 'RECITATION');
    const short = await ai.models.generateContent({ model, contents: '[[chunks=9]]', config: { maxOutputTokens: 2 } });
    assert.equal(short.candidates[0].finishReason, 'MAX_TOKENS');
  });

  test('abort: the fake sees it', async () => {
    const mark = randomUUID();
    const abort = new AbortController();
    const stream = await ai.models.generateContentStream({ model, contents: `${mark} [[chunks=500 stall_after=3]]`, config: { abortSignal: abort.signal } });
    await assert.rejects(async () => {
      for await (const _ of stream) abort.abort();
    });

    const { calls } = await control(`${baseUrl}/sandbox/calls?prompt=${mark}&ended=true&wait=true`);
    assert.equal(calls[0].client_gone, true);
  });

  test('models and tokens', async () => {
    const names = [];
    for await (const one of await ai.models.list()) names.push(one.name);
    assert.ok(names.includes(`models/${model}`));
    assert.equal((await ai.models.get({ model })).name, `models/${model}`);
    assert.ok((await ai.models.countTokens({ model, contents: 'Hello' })).totalTokens > 0);
  });

  describe('errors are exceptions of the client', () => {
    const ask = (contents, more = {}) => ai.models.generateContent({ model, contents, ...more });
    const cases = [
      ['wrong key', () => client('gemini-wrong').models.generateContent({ model, contents: 'x' }), 400],
      ['no such model', () => ask('x', { model: 'gemini-9' }), 404],
      ['wrong setting', () => ask('x', { config: { temperature: 9 } }), 400],
      ['rate limit', () => ask('[[early_error=429 retry_after=1s]]'), 429],
      ['overloaded', () => ask('[[early_error=503]]'), 503],
      // The client understands such an error only if it arrives alone.
      ['in the stream', async () => collect(await ai.models.generateContentStream({ model, contents: '[[chunks=5 stall_after=2 stall=200ms error=503 error_after=2 error_form=bare]]' })), 503],
    ];
    for (const [name, call, status] of cases) {
      test(name, async () => {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof ApiError, `${error}`);
          assert.equal(error.status, status);
          return true;
        });
      });
    }
  });
});
