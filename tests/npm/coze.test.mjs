// The unmodified official Coze client with the fake Coze.
import assert from 'node:assert/strict';
import { createReadStream, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { APIError, AuthenticationError, BadRequestError, ChatEventType, ChatStatus, CozeAPI, getJWTToken, PermissionDeniedError, RateLimitError, RoleType } from '@coze/api';
import { control, startSandbox } from './support.mjs';

const bot = '7350000000000000001';
const workspace = '7360000000000000001';

describe('@coze/api with the sandbox', { timeout: 120_000 }, () => {
  let sandbox;
  let baseURL;
  let coze;

  before(async () => {
    sandbox = await startSandbox();
    baseURL = `${sandbox.url}/coze`;
    coze = client('pat_sandbox');
  });

  after(() => sandbox?.stop());

  const client = (token) => new CozeAPI({ token, baseURL });

  const ask = (content, more = {}) => ({
    bot_id: bot,
    user_id: 'user-1',
    additional_messages: [{ role: RoleType.User, content, content_type: 'text' }],
    ...more,
  });

  // The client reuses one object for all events, so the members are copied.
  async function collect(stream) {
    const events = [];
    for await (const { event, data } of stream) events.push({ event, data });
    return events;
  }

  const text = (events) => events.filter((e) => e.event === ChatEventType.CONVERSATION_MESSAGE_DELTA).map((e) => e.data.content).join('');

  const answers = (events) =>
    events.filter((e) => e.event === ChatEventType.CONVERSATION_MESSAGE_COMPLETED && e.data.type === 'answer').map((e) => e.data.content);

  test('chat.stream: from created to done, the deltas add up to the answer', async () => {
    const events = await collect(coze.chat.stream(ask('Good morning [[followups=2]]')));

    assert.equal(events[0].event, ChatEventType.CONVERSATION_CHAT_CREATED);
    assert.equal(events[1].event, ChatEventType.CONVERSATION_CHAT_IN_PROGRESS);
    assert.equal(events.at(-2).event, ChatEventType.CONVERSATION_CHAT_COMPLETED);
    assert.equal(events.at(-2).data.status, ChatStatus.COMPLETED);
    assert.ok(events.at(-2).data.usage.token_count > 0);
    assert.deepEqual(events.at(-1), { event: ChatEventType.DONE, data: '[DONE]' });
    assert.match(text(events), /Good morning/);
    assert.deepEqual(answers(events), [text(events)]);
    assert.equal(events.filter((e) => e.data.type === 'follow_up').length, 2);
  });

  for (const form of ['colon=space', 'newline=crlf', 'escape=ascii', 'torn', 'done=bare', 'done=debug']) {
    test(`chat.stream: unicode arrives exactly with ${form}`, async () => {
      const events = await collect(coze.chat.stream(ask(`[[text=unicode chunks=100 chunk=3 seed=9 ${form}]]`)));

      assert.deepEqual(answers(events), [text(events)]);
      assert.match(text(events), /🚀/u);
      assert.equal(events.at(-1).event, ChatEventType.DONE);
    });
  }

  test('chat.stream: several answers, reasoning, tools', async () => {
    const events = await collect(coze.chat.stream(ask('[[answers=2 chunks=3 reasoning=2 tool=weather knowledge]]')));

    assert.equal(answers(events).length, 2);
    assert.equal(answers(events).join(''), text(events));
    assert.ok(events.some((e) => e.data.reasoning_content));
    assert.equal(JSON.parse(events.find((e) => e.data.type === 'function_call').data.content).name, 'weather');
  });

  test('chat.stream: 20 at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => collect(coze.chat.stream(ask(`[[pace=5ms chunks=20 seed=${i}]]`)))),
    );

    for (const events of all) assert.deepEqual(answers(events), [text(events)]);
    assert.equal(new Set(all.map(text)).size, 20);
  });

  test('chat.stream: an error in the stream is an error event', async () => {
    const events = await collect(coze.chat.stream(ask('[[error=4008 error_after=3 chunks=10]]')));

    assert.equal(events.at(-1).event, ChatEventType.ERROR);
    assert.equal(events.at(-1).data.code, 4008);
  });

  test('chat.stream: an error in JSON is an error event, too', async () => {
    const events = await collect(coze.chat.stream(ask('[[early_error=4011]]')));

    assert.deepEqual(events.map((e) => e.event), [ChatEventType.ERROR]);
    assert.equal(events[0].data.code, 4011);
  });

  test('chat.createAndPoll: chat and messages', async () => {
    const { chat, messages } = await coze.chat.createAndPoll(ask('[[pace=10ms chunks=20]]'));

    assert.equal(chat.status, ChatStatus.COMPLETED);
    assert.ok(chat.usage.token_count > 0);
    assert.equal(messages.filter((m) => m.type === 'answer').length, 1);
    assert.equal(messages.filter((m) => m.type === 'follow_up').length, 3);
  });

  test('chat.cancel: changes the status; aborting the request then stops the reply', async () => {
    const abort = new AbortController();
    const stream = coze.chat.stream(ask('[[pace=20ms chunks=100000]]'), { signal: abort.signal });
    let chat;
    for await (const { event, data } of stream) {
      if (event === ChatEventType.CONVERSATION_CHAT_CREATED) chat = { id: data.id, conversation: data.conversation_id };
      if (event === ChatEventType.CONVERSATION_MESSAGE_DELTA) break;
    }

    const canceled = await coze.chat.cancel(chat.conversation, chat.id);
    assert.equal(canceled.status, ChatStatus.CANCELED);
    abort.abort();

    const { chats } = await control(`${baseURL}/sandbox/chats?id=${chat.id}&ended=true&wait=30s`);
    assert.equal(chats[0].status, 'canceled');
    assert.equal(chats[0].client_gone, true);
    assert.equal((await coze.chat.retrieve(chat.conversation, chat.id)).status, ChatStatus.CANCELED);
  });

  test('chat.submitToolOutputs: the chat continues', async () => {
    const events = await collect(coze.chat.stream(ask('[[requires_action=find_user]]')));
    const { data } = events.find((e) => e.event === ChatEventType.CONVERSATION_CHAT_REQUIRES_ACTION);
    const [call] = data.required_action.submit_tool_outputs.tool_calls;
    assert.equal(call.function.name, 'find_user');

    const rest = await collect(
      coze.chat.submitToolOutputs({
        conversation_id: data.conversation_id,
        chat_id: data.id,
        tool_outputs: [{ tool_call_id: call.id, output: 'it is Ada' }],
        stream: true,
      }),
    );

    assert.match(text(rest), /it is Ada/);
  });

  test('conversations: create, retrieve, list, clear; they contain the messages of chats', async () => {
    const created = await coze.conversations.create({ bot_id: bot, meta_data: { a: 'b' }, messages: [{ role: RoleType.User, content: 'first', content_type: 'text' }] });
    assert.deepEqual((await coze.conversations.retrieve(created.id)).meta_data, { a: 'b' });

    const list = await coze.conversations.list({ bot_id: bot, page_num: 1, page_size: 50 });
    assert.ok(list.conversations.some((c) => c.id === created.id));

    await collect(coze.chat.stream(ask('[[say=kept]]', { conversation_id: created.id })));
    const kept = await coze.conversations.messages.list(created.id, { order: 'asc' });
    assert.deepEqual(kept.data.map((m) => m.role), ['user', 'user', 'assistant']);
    assert.equal(kept.data.at(-1).content, 'kept');

    const cleared = await coze.conversations.clear(created.id);
    assert.equal(cleared.conversation_id, created.id);
    assert.notEqual(cleared.id, created.last_section_id);
  });

  test('conversations.messages: create, retrieve, update, delete', async () => {
    const { id } = await coze.conversations.create({});
    const message = await coze.conversations.messages.create(id, { role: RoleType.User, content: 'one', content_type: 'text' });

    const updated = await coze.conversations.messages.update(id, message.id, { content: 'two' });
    assert.equal(updated.content, 'two');
    assert.equal((await coze.conversations.messages.retrieve(id, message.id)).content, 'two');

    await coze.conversations.messages.delete(id, message.id);
    await assert.rejects(coze.conversations.messages.retrieve(id, message.id), (error) => error instanceof APIError && error.code === 4200);
  });

  test('files: upload, retrieve, and an image in a prompt', async () => {
    // In Node.js, the client accepts a file as a read stream. The test uploads its own source file.
    const path = fileURLToPath(import.meta.url);
    const file = await coze.files.upload({ file: createReadStream(path) });
    assert.equal(file.file_name, 'coze.test.mjs');
    assert.equal((await coze.files.retrieve(file.id)).bytes, statSync(path).size);

    const content = [{ type: 'text', text: '[[say=seen]]' }, { type: 'image', file_id: file.id }];
    const events = await collect(coze.chat.stream({ ...ask(''), additional_messages: [{ role: RoleType.User, content, content_type: 'object_string' }] }));
    assert.equal(text(events), 'seen');
  });

  test('bots and workspaces: list and get', async () => {
    const { workspaces } = await coze.workspaces.list();
    assert.equal(workspaces[0].id, workspace);

    const { items, total } = await coze.bots.listNew({ workspace_id: workspace });
    assert.equal(total, 4);
    assert.equal(items[0].id, bot);
    assert.equal((await coze.bots.retrieveNew(bot)).bot_id, bot);
    assert.equal((await coze.bots.list({ space_id: workspace })).space_bots.length, 4);
    assert.equal((await coze.bots.retrieve({ bot_id: bot })).bot_id, bot);
  });

  test('getJWTToken: a token that is accepted', async () => {
    const app = await control(`${baseURL}/sandbox/oauth-app`);
    const options = { baseURL, appId: app.app_id, aud: app.audience, keyid: app.key_id, privateKey: app.private_key, durationSeconds: 600 };

    const token = await getJWTToken(options);

    assert.match(token.access_token, /^czs_/);
    assert.ok(Math.abs(token.expires_in - Date.now() / 1000 - 600) < 60, 'expires_in is an absolute time');
    assert.equal((await client(token.access_token).workspaces.list()).total_count, 1);
    await assert.rejects(getJWTToken({ ...options, aud: 'https://api.coze.com' }), (error) => error.status === 401);
  });

  describe('errors are exceptions of the client', () => {
    const cases = [
      ['no such token', () => client('pat_unknown').workspaces.list(), AuthenticationError, 4100],
      ['expired token', () => client('pat_sandbox_expired').workspaces.list(), AuthenticationError, 700012006],
      ['missing permission', () => client('pat_sandbox_chat_only').workspaces.list(), PermissionDeniedError, 4101],
      ['wrong parameter', () => coze.chat.create({ ...ask('x'), additional_messages: [{ role: 'system', content: 'x' }] }), BadRequestError, 4000],
      ['no such bot', () => coze.chat.create({ ...ask('x'), bot_id: '1' }), APIError, 4006],
      ['model busy', () => coze.chat.create(ask('[[early_error=4013]]')), RateLimitError, 4013],
      ['rate limit with its own status', () => coze.chat.create(ask('[[early_error=4020 http=429]]')), RateLimitError, 4020],
    ];
    for (const [name, call, type, code] of cases) {
      test(name, async () => {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof type, `${error}`);
          assert.equal(error.code, code);
          assert.ok(error.logid);
          return true;
        });
      });
    }
  });
});
