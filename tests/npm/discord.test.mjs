// Unmodified discord.js with the fake Discord. Only the base URL differs.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';
import { AttachmentBuilder, ChannelType, Client, Events, GatewayIntentBits, REST } from 'discord.js';
import { control as post, startSandbox } from './support.mjs';

describe('discord.js with the sandbox', { timeout: 120_000 }, () => {
  let sandbox;
  let discord;
  let seeds;
  const clients = [];

  before(async () => {
    sandbox = await startSandbox();
    discord = `${sandbox.url}/discord`;
    seeds = await post(`${discord}/sandbox/seeds`);
  });

  beforeEach(() => control('reset'));

  afterEach(() => Promise.all(clients.splice(0).map(client => client.destroy())));

  after(() => sandbox?.stop());

  test('a bot logs in and sees its guilds, channels and members', async () => {
    const client = await login();
    const guild = client.guilds.cache.get(seeds.guilds[0].id);

    assert.equal(client.user.username, 'listener-1');
    assert.equal(client.guilds.cache.size, 2);
    assert.equal(guild.channels.cache.get(seeds.guilds[0].general_id).name, 'general');
    assert.ok(guild.members.cache.has(seeds.coze_bots[0].id));
  });

  test('a reply refers to its prompt, is edited as a whole, and ends with buttons', async () => {
    const client = await login();
    const contents = [];
    const finished = new Promise(resolve => {
      const onMessage = message => {
        if (message.author.id !== seeds.coze_bots[0].id) return;
        contents.push(message.content);
        if (message.components.length > 0) resolve(message);
      };
      client.on(Events.MessageCreate, onMessage);
      client.on(Events.MessageUpdate, (_, message) => onMessage(message));
    });

    const prompt = await sendAsAccount(`<@${seeds.coze_bots[0].id}> [[chunks=4 say="one two three four"]]`);
    const reply = await finished;

    assert.equal(reply.reference.messageId, prompt.id);
    assert.equal(reply.content, 'one two three four');
    assert.equal(contents.length, 4);
    assert.deepEqual(contents.map(text => reply.content.startsWith(text)), [true, true, true, true]);
    assert.equal(reply.components[0].components[0].label, 'Follow-up question 1?');
  });

  test('text is empty without the message content intent, and an intent that is disabled is fatal', async () => {
    const client = await login({ intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages] });
    const created = once(client, Events.MessageCreate);
    await sendAsAccount('text');
    assert.equal((await created)[0].content, '');
    await client.destroy();

    await control(`users/${seeds.listeners[0].id}`, { privileged_intents: 0 });
    await assert.rejects(login(), /disallowed intents/i);
  });

  test('messages are sent, edited, fetched and deleted, a nonce is enforced, a file is returned', async () => {
    const client = await login();
    const channel = await client.channels.fetch(seeds.guilds[0].general_id);

    const sent = await channel.send({
      content: 'with a file',
      nonce: 'n-1',
      enforceNonce: true,
      files: [new AttachmentBuilder(Buffer.from('hello, file'), { name: 'note.txt', description: 'a note' })],
    });
    const again = await channel.send({ content: 'with a file', nonce: 'n-1', enforceNonce: true });
    assert.equal(again.id, sent.id);

    const file = sent.attachments.first();
    assert.equal(file.name, 'note.txt');
    assert.equal(file.description, 'a note');
    assert.equal(await (await fetch(file.url)).text(), 'hello, file');

    await sent.edit('edited');
    assert.equal((await channel.messages.fetch({ message: sent.id, force: true })).content, 'edited');
    await sent.delete();
    await assert.rejects(channel.messages.fetch({ message: sent.id, force: true }), { code: 10008 });
    await assert.rejects(channel.send('x'.repeat(2001)), { code: 50035 });
  });

  test('channels and threads are created, used and deleted', async () => {
    const client = await login();
    const guild = client.guilds.cache.get(seeds.guilds[0].id);
    const announced = once(client, Events.ChannelCreate);

    const channel = await guild.channels.create({ name: 'Chat One', parent: seeds.guilds[0].category_id, topic: 'topic' });
    assert.equal(channel.name, 'chat-one');
    assert.equal((await announced)[0].id, channel.id);

    const open = await channel.threads.create({ name: 'open', type: ChannelType.PublicThread, autoArchiveDuration: 60 });
    await open.send('in the thread');
    const closed = await channel.threads.create({ name: 'closed', type: ChannelType.PrivateThread });
    assert.equal(closed.type, ChannelType.PrivateThread);
    const starter = await channel.send('starter');
    const fromMessage = await starter.startThread({ name: 'from a message' });
    assert.equal(fromMessage.id, starter.id);
    assert.deepEqual((await channel.threads.fetchActive()).threads.map(t => t.name).sort(), ['closed', 'from a message', 'open']);

    await channel.setName('renamed');
    const deleted = once(client, Events.ChannelDelete);
    await channel.delete();
    assert.equal((await deleted)[0].id, channel.id);
  });

  test('a dropped socket is resumed without lost events', async () => {
    const client = await login();
    const resumed = once(client, Events.ShardResume);
    const received = collect(client, 3);

    await sendAsAccount('before');
    await control('gateway/drop');
    await sendAsAccount('meanwhile');
    await resumed;
    await sendAsAccount('after');

    assert.deepEqual(await received, ['before', 'meanwhile', 'after']);
    const now = await counts();
    assert.equal(now.identified, 1);
    assert.equal(now.resumed, 1);
  });

  test('op 7 and resumable op 9 lead to a resume, other op 9 to a new session', async () => {
    const client = await login();

    let resumed = once(client, Events.ShardResume);
    await control('gateway/reconnect');
    await resumed;
    resumed = once(client, Events.ShardResume);
    await control('gateway/invalidate', { resumable: true });
    await resumed;
    assert.equal((await counts()).identified, 1);

    // The next identify must wait, because one is allowed in five seconds.
    const ready = once(client, Events.ShardReady);
    await control('gateway/invalidate', { resumable: false });
    await ready;
    assert.equal((await counts()).identified, 2);
  });

  test('compressed payloads are decoded', async () => {
    const rest = new REST({ api: `${discord}/api`, version: '10' }).setToken(seeds.listeners[1].token);
    const manager = new WebSocketManager({
      token: seeds.listeners[1].token,
      intents: GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages | GatewayIntentBits.MessageContent,
      rest,
      useIdentifyCompression: true,
    });
    const ready = once(manager, WebSocketShardEvents.Ready);
    const received = new Promise(resolve => manager.on(WebSocketShardEvents.Dispatch, ({ data }) => {
      if (data.t === 'MESSAGE_CREATE') resolve(data.d.content);
    }));
    await manager.connect();
    await ready;

    await sendAsAccount('small, but compressed');

    assert.equal(await received, 'small, but compressed');
    await manager.destroy();
  });

  test('a request with a 429 is sent again', async () => {
    const client = await login();
    const channel = await client.channels.fetch(seeds.guilds[0].general_id);
    await control('faults', { kind: 'rate_limit', route: 'POST /channels/', wait: '50ms', times: 2 });

    const sent = await channel.send('text');

    assert.equal(sent.content, 'text');
    assert.equal((await counts()).rate_limited, 2);
  });

  async function login(options = {}) {
    const client = new Client({
      intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
      rest: { api: `${discord}/api` },
      ...options,
    });
    clients.push(client);
    const ready = once(client, Events.ClientReady);
    await client.login(seeds.listeners[0].token);
    await ready;
    return client;
  }

  function once(emitter, event) {
    return new Promise(resolve => emitter.once(event, (...args) => resolve(args)));
  }

  function collect(client, count) {
    const received = [];
    return new Promise(resolve => client.on(Events.MessageCreate, message => {
      received.push(message.content);
      if (received.length === count) resolve(received);
    }));
  }

  async function sendAsAccount(content) {
    const response = await fetch(`${discord}/api/v9/channels/${seeds.guilds[0].general_id}/messages`, {
      method: 'POST',
      headers: { authorization: seeds.accounts[0].token, 'content-type': 'application/json' },
      body: JSON.stringify({ content }),
    });
    assert.equal(response.status, 200);
    return response.json();
  }

  const control = (path, body = {}) => post(`${discord}/sandbox/${path}`, body);

  const counts = () => post(`${discord}/sandbox/counts`);
});
