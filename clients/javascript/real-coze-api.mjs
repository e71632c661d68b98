// A bot on Coze, through Coze's official API, in the shape of Real-Coze-API. It needs nothing but fetch: Node.js 20, Deno, Bun, or a browser.
// 通过 Coze 官方 API 使用机器人，保持 Real-Coze-API 的用法；没有任何依赖。
const maxMessages = 100;
const permissionMissing = 4101;
const [imageType, fileType] = [6, 9];

export class RealCozeAPI {
  #token;
  #botId;
  #history;
  #base;
  #user;
  #timeout;
  #proxy;
  #fetch;
  #connection = new AbortController();

  /**
   * @param {object} config
   * @param {string} config.session a token of Coze: a personal access token, `pat_…`
   * @param {string | object} config.bot the id of a bot, or the content of a downloaded `config.json`, of which `bot_id` and the history are used
   * @param {string} [config.proxy] `http://…` or `socks5://…`, also with a user and a password; with Node.js only
   * @param {string} [config.tmppath] has no meaning here: nothing is stored
   * @param {string} [config.baseURL] Coze's API: that of coze.com, or `https://api.coze.cn`
   * @param {string} [config.user] the id of the end user; Coze keeps the memories of users apart
   * @param {number} [config.timeout] milliseconds to wait for the next piece of a reply
   * @param {typeof fetch} [config.fetch] sends the requests instead of the global function
   */
  constructor({ session, bot, proxy, baseURL = 'https://api.coze.com', user = 'real-coze-api', timeout = 120_000, fetch } = {}) {
    if (!session) throw failure('session is missing: it is a token of Coze, pat_… (缺失 session)');
    if (!bot) throw failure('bot is missing: it is the id of a bot, or the content of config.json (缺失 bot)');
    this.#token = `${session}`.trim();
    this.#botId = typeof bot === 'object' ? `${bot.bot_id ?? ''}` : `${bot}`;
    if (!this.#botId) throw failure('The configuration of the bot contains no bot_id. (配置中没有 bot_id)');
    this.#history = typeof bot === 'object' ? readHistory(bot.work_info?.message_info) : [];
    this.#base = baseURL.replace(/\/+$/, '');
    [this.#user, this.#timeout, this.#proxy, this.#fetch] = [user, timeout, proxy, fetch];
  }

  /** Asks Coze whether the token and the bot are valid. It is needed after `disconnect` only. */
  async connect() {
    if (this.#connection.signal.aborted) this.#connection = new AbortController();
    try {
      await this.#call(`/v1/bots/${encodeURIComponent(this.#botId)}`, {});
    } catch (error) {
      // A token may be allowed to chat, and not to read bots.
      if (error.code !== permissionMissing) return { success: false, data: {}, errmsg: this.#describe(error).errmsg };
    }
    return { success: true };
  }

  /** Cancels all chats that are running. `connect` allows new ones. */
  disconnect() {
    this.#connection.abort(failure('disconnected'));
  }

  /**
   * Sends a whole history, and resolves with the last piece of the answer: `{ content, continue: false, reply_type: 1 }`. Rejects with an error that has the
   * members `success: false`, `data: {}`, `errmsg` and `code`.
   * @param {{ role: number, content: string, contentType?: number }[]} history role 1: the bot, 2: the user, others: context
   * @param {(result: object) => void} [onData] receives `{ success, data: { content, continue, reply_type }, errmsg }` with the whole text so far
   * @param {number[]} [roles] what `onData` receives: 1 answers, 3 calls of plugins, 4 their results, 6 knowledge
   */
  async send(history, onData = () => {}, roles = [1]) {
    const body = JSON.stringify({
      bot_id: this.#botId,
      user_id: this.#user,
      stream: true,
      auto_save_history: false,
      additional_messages: toMessages([...this.#history, ...history]),
    });
    const reply = new Reply();
    let ownError;
    const tell = (data) => {
      try {
        if (roles.includes(data.reply_type)) onData({ success: true, data });
      } catch (error) {
        throw (ownError = error);
      }
    };
    const limit = this.#limit();
    try {
      const response = await this.#fetchFrom('/v3/chat', { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: limit.signal });
      // A chat that fails early is answered as JSON, with status 200.
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) await readData(response);
      for await (const { event, data } of readEvents(response.body)) {
        limit.restart();
        const piece = reply.handle(event, data);
        if (piece) tell(piece);
        if (reply.ended) break;
      }
      if (!reply.whole) throw failure('Coze ended the reply before it was complete. (回复中断)');
    } catch (error) {
      const described = this.#describe(limit.signal.aborted ? limit.signal.reason : error);
      if (!reply.ended) await this.#cancel(reply);
      // An error of the callback is not one of Coze.
      if (ownError) throw ownError;
      onData({ success: false, data: {}, errmsg: described.errmsg });
      throw described;
    } finally {
      limit.end();
    }
    const last = { content: reply.text, continue: false, reply_type: 1 };
    tell(last);
    return last;
  }

  /** Makes a message for a history: of a text, or with the type `image` or `file`, of the id of an uploaded file or a URL. */
  generateChatHistory(content, type, role = 2) {
    if (type === 'image') return [{ role, content: JSON.stringify({ image_list: [{ key: content }] }), contentType: imageType }];
    if (type === 'file') return [{ role, content: JSON.stringify({ file_list: [{ key: content }] }), contentType: fileType }];
    return [{ role, content, contentType: 1 }];
  }

  /**
   * Uploads a file to Coze. Resolves with `{ success: true, data: id }`.
   * @param {Uint8Array | ArrayBuffer | Blob} file
   * @param {string} extension such as `.png`
   */
  async uploadFile(file, extension) {
    const form = new FormData();
    form.append('file', file instanceof Blob ? file : new Blob([file]), `file.${extension.replace(/^\./, '')}`);
    // As a request it becomes bytes with their type, which a proxy can send too.
    const encoded = new Response(form);
    const headers = { 'content-type': encoded.headers.get('content-type') };
    try {
      const data = await this.#call('/v1/files/upload', { method: 'POST', headers, body: new Uint8Array(await encoded.arrayBuffer()) });
      return { success: true, data: data.id };
    } catch (error) {
      throw this.#describe(error);
    }
  }

  async #call(path, init) {
    const limit = this.#limit();
    try {
      return await readData(await this.#fetchFrom(path, { ...init, signal: limit.signal }));
    } catch (error) {
      throw limit.signal.aborted ? limit.signal.reason : error;
    } finally {
      limit.end();
    }
  }

  async #fetchFrom(path, init) {
    if (this.#proxy && !this.#fetch) this.#fetch = (await import('./proxy-fetch.mjs')).createProxyFetch(this.#proxy);
    return (this.#fetch ?? fetch)(this.#base + path, { ...init, headers: { ...init.headers, authorization: `Bearer ${this.#token}` } });
  }

  /** Cancels a chat at Coze, which would continue it otherwise. Nothing depends on the answer. */
  async #cancel(reply) {
    if (!reply.ids) return;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(reply.ids), signal: AbortSignal.timeout(5_000) };
    await this.#fetchFrom('/v3/chat/cancel', init).catch(() => {});
  }

  /** Aborts when nothing has happened for some time, or when the client disconnects. */
  #limit() {
    const [abort, connection] = [new AbortController(), this.#connection.signal];
    const onDisconnect = () => abort.abort(connection.reason);
    const onTimeout = () => abort.abort(failure(`Coze sent nothing for ${this.#timeout / 1000} s. (超时)`));
    let timer = setTimeout(onTimeout, this.#timeout);
    if (connection.aborted) onDisconnect();
    connection.addEventListener('abort', onDisconnect);
    return {
      signal: abort.signal,
      restart: () => {
        clearTimeout(timer);
        timer = setTimeout(onTimeout, this.#timeout);
      },
      end: () => {
        clearTimeout(timer);
        connection.removeEventListener('abort', onDisconnect);
      },
    };
  }

  /** The error for the caller. Servers may repeat what they receive, so the token is removed from their texts. */
  #describe(error) {
    const text = error.errmsg ?? `Coze could not be reached, or the connection broke: ${error.cause?.message ?? error.message}`;
    return failure(text.replaceAll(this.#token, '***'), error.code);
  }
}

export default RealCozeAPI;

/** Puts a reply together from the events of Coze's /v3/chat. */
class Reply {
  ended = false;
  whole = false;
  ids;
  #answers = new Map();
  #answersFinished = false;

  /** The text of all answers, with a blank line between them. */
  get text() {
    return [...this.#answers.values()].filter((text) => text).join('\n\n');
  }

  /** Handles an event, and returns the piece of the reply in it. */
  handle(event, data) {
    const isAnswer = data?.role !== 'user' && (data?.type || 'answer') === 'answer' && (data?.content_type || 'text') === 'text';
    switch (event) {
      case 'conversation.message.delta':
        return isAnswer && data.content ? this.#set(data.id, (this.#answers.get(data.id) ?? '') + data.content) : undefined;
      case 'conversation.message.completed':
        return isAnswer ? this.#set(data.id, data.content ?? '') : this.#readItem(data ?? {});
      case 'conversation.chat.created':
      case 'conversation.chat.in_progress':
        this.ids = { conversation_id: data.conversation_id, chat_id: data.id };
        return undefined;
      case 'conversation.chat.completed':
        if (/^cancell?ed$/.test(data.status)) throw this.#fail('The chat was cancelled at Coze.');
        this.ended = this.whole = true;
        return undefined;
      case 'conversation.chat.failed':
        throw errorOf(data.last_error ?? data);
      case 'conversation.chat.requires_action': {
        // A chatflow's question is an answer, and the user answers it with the next history.
        const calls = data.required_action?.submit_tool_outputs?.tool_calls ?? [{}];
        if (!this.text || !calls.every(({ type }) => type === 'reply_message'))
          throw this.#fail('The bot waits for a plugin that runs at its client. This client has none.');
        this.ended = this.whole = true;
        return undefined;
      }
      case 'error':
        throw errorOf(data);
      case 'done':
        this.ended = true;
        this.whole ||= this.#answersFinished;
        return undefined;
      default:
        return undefined;
    }
  }

  #set(id, text) {
    if (this.#answers.get(id) === text) return undefined;
    this.#answers.set(id, text);
    return { content: this.text, continue: true, reply_type: 1 };
  }

  #readItem({ type, content = '' }) {
    const item = (reply_type, text) => ({ content: text, continue: false, reply_type });
    if (type === 'function_call') return item(3, content);
    if (type === 'tool_response' || type === 'tool_output') return item(4, content);
    if (type === 'knowledge') return item(6, content);
    if (type !== 'verbose') return undefined;
    const { msg_type, data } = parse(content) ?? {};
    this.#answersFinished ||= msg_type === 'generate_answer_finish';
    return msg_type === 'knowledge_recall' ? item(6, typeof data === 'string' ? data : content) : undefined;
  }

  #fail(message) {
    this.ended = true;
    return failure(message);
  }
}

/** Coze knows the roles user and assistant only: context is sent as messages of the user, in its place. */
function toMessages(history) {
  const messages = history.filter(({ content }) => content).slice(-maxMessages);
  if (messages.length === 0) throw failure('The history contains no message with content. (聊天记录为空)');
  const isMedia = (message) => [imageType, fileType].includes(message.contentType);
  const isText = (message) => message && !isMedia(message);
  return messages.map((message, i) => ({
    role: message.role === 1 ? 'assistant' : 'user',
    type: message.role === 1 ? 'answer' : 'question',
    content_type: isMedia(message) ? 'object_string' : 'text',
    content: isMedia(message) ? toItems(message, isText(messages[i - 1]) || isText(messages[i + 1])) : message.content,
  }));
}

function toItems({ content, contentType }, hasText) {
  const [list, type] = contentType === imageType ? ['image_list', 'image'] : ['file_list', 'file'];
  const entries = parse(content)?.[list];
  if (!entries?.length) throw failure(`A message of contentType ${contentType} needs the JSON text of an object with ${list}.`);
  const items = entries.map(({ key }) => ({ type, [/^https?:\/\//i.test(key) ? 'file_url' : 'file_id']: `${key}` }));
  // Coze requires a text beside images and files.
  return JSON.stringify(hasText ? items : [...items, { type: 'text', text: '(see attachment)' }]);
}

function readHistory(json) {
  const history = parse(json || '[]');
  return Array.isArray(history) ? history.filter((message) => typeof message?.content === 'string') : [];
}

async function readData(response) {
  const envelope = parse(await response.text());
  if (typeof envelope?.code !== 'number')
    throw failure(`Coze answered with status ${response.status}, and not in its own form. Check the base URL and the proxy.`);
  if (envelope.code !== 0) throw errorOf(envelope);
  return envelope.data;
}

/** Reads server-sent events whose data is JSON. */
async function* readEvents(body) {
  // Not every browser can iterate over a body.
  const [reader, decoder] = [body.getReader(), new TextDecoder()];
  let [rest, event, data] = ['', '', []];
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      const lines = (rest + decoder.decode(chunk.value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event, data: parse(data.join('\n')) };
          [event, data] = ['', []];
          continue;
        }
        const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (name === 'event') event = value;
        if (name === 'data') data.push(value);
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function errorOf(error) {
  const { code = 0, msg, detail } = error ?? {};
  return failure(`Coze refused the request: ${msg || 'without a reason'} [${code}]${detail?.logid ? ` (log id ${detail.logid})` : ''}`, code);
}

function failure(errmsg, code = 0) {
  return Object.assign(new Error(errmsg), { success: false, data: {}, errmsg, code });
}
