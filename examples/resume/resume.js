// A streamed reply that survives lost connections and restarts of the server. No dependencies; for browsers and Node.js 20.

const firstPause = 250;
const longestPause = 4_000;
// A healthy stream is never silent for longer than 10 s: the server sends comments.
const idleTimeout = 30_000;
const blankLine = '\n\n';

/** An error that a retry would not change. */
export class ReplyError extends Error {
  /** @param {string} code as in `error.code` of the API, or `http_` and the status */
  constructor(code, message, status) {
    super(message);
    this.name = 'ReplyError';
    this.code = code;
    this.status = status;
  }
}

/**
 * One reply. Call `ask` or `follow`; both return when the reply has ended. Everything that has arrived can be read at any time:
 * `text`, `reasoning`, `toolCalls`, `events`, `followUps`, `finishReason`, `turnId`, `lastEventId`.
 * `state` is `idle`, `connecting`, `streaming`, `waiting` (before a retry) or `ended`.
 */
export class Reply {
  #options;
  #parts = new Map();
  #stop = new AbortController();
  #ask;
  #rewrites = 0;

  turnId = null;
  lastEventId = null;
  state = 'idle';
  finishReason = null;
  followUps = [];
  events = [];
  toolCalls = [];
  /** The number of connections so far. */
  connections = 0;

  /**
   * @param {{ baseUrl: string, apiKey: string, onChange?: (reply: Reply) => void, giveUpAfter?: number }} options
   *   `baseUrl` ends with `/v1`; `onChange` is called after every change; `giveUpAfter` is the time in milliseconds after which
   *   an unreachable server is an error, by default two minutes
   */
  constructor({ baseUrl, apiKey, onChange = () => {}, giveUpAfter = 120_000 }) {
    this.#options = { baseUrl: baseUrl.replace(/\/$/, ''), apiKey, onChange, giveUpAfter };
  }

  /** All answers with a blank line between them, images as Markdown. */
  get text() {
    return this.#join('content');
  }

  get reasoning() {
    return this.#join('reasoning_content');
  }

  /** How often the server withdrew text that had arrived. */
  get rewrites() {
    return this.#rewrites;
  }

  /**
   * Sends the request and reads the reply to its end.
   * @param {object} request the body of a chat completion
   * @param {{ survive?: boolean }} [how] `survive`: the turn continues without a connection; otherwise it is cancelled after 15 s without one
   */
  ask(request, { survive = false } = {}) {
    // With the key, the request can be repeated: it starts one turn only.
    const headers = { 'content-type': 'application/json', 'idempotency-key': createKey() };
    if (survive) headers['x-turn-survive'] = 'true';
    this.#ask = { method: 'POST', headers, body: JSON.stringify({ ...request, stream: true }) };
    return this.#run();
  }

  /** Reads the reply of an earlier turn, from its start to its end. */
  follow(turnId) {
    this.turnId = turnId;
    return this.#run();
  }

  /** Cancels the turn at the server. The reply ends with the error `cancelled`, if it has not ended before. */
  async cancel() {
    if (!this.turnId) return this.leave();
    while (this.state !== 'ended') {
      try {
        return void (await this.#fetch(`/turns/${this.turnId}`, { method: 'DELETE' }));
      } catch {
        // It is not known whether the request arrived. Cancelling twice does no harm.
        await sleep(firstPause);
      }
    }
  }

  /** Stops reading. */
  leave() {
    this.#stop.abort(new ReplyError('left', 'The reply is not read any more.'));
  }

  async #run() {
    let pause = firstPause;
    let reachedAt = Date.now();
    try {
      while (true) {
        const before = this.connections;
        try {
          if (await this.#connect()) return this;
        } catch (error) {
          this.#stop.signal.throwIfAborted();
          if (error instanceof ReplyError) throw error;
          // Any other error is the connection: continue where it broke.
        }
        if (this.connections > before) [pause, reachedAt] = [firstPause, Date.now()];
        if (Date.now() - reachedAt > this.#options.giveUpAfter) throw new ReplyError('unreachable', 'The server could not be reached.');
        this.#setState('waiting');
        await sleep(pause * (0.5 + Math.random()), this.#stop.signal);
        pause = Math.min(pause * 2, longestPause);
      }
    } finally {
      this.#setState('ended');
    }
  }

  /** @returns {Promise<boolean>} whether the reply has ended; otherwise it must be continued */
  async #connect() {
    this.#setState('connecting');
    const idle = new IdleTimeout(this.#stop.signal);
    try {
      const response = this.turnId ? await this.#follow(idle.signal) : await this.#fetch('/chat/completions', { ...this.#ask, signal: idle.signal });
      idle.reset();
      this.turnId = response.headers.get('x-turn-id') ?? this.turnId;
      if (!response.ok) return await this.#handleError(response);
      this.connections++;
      this.#setState('streaming');
      for await (const event of readEvents(response.body, idle)) {
        if (event.data === '[DONE]') return true;
        const chunk = JSON.parse(event.data);
        if (chunk.error?.code === 'try_again') return false;
        if (chunk.error) throw new ReplyError(chunk.error.code, chunk.error.message, 200);
        this.#apply(event.id, chunk);
        this.#options.onChange(this);
      }
      return false;
    } finally {
      idle.close();
    }
  }

  #follow(signal) {
    return this.#fetch(`/turns/${this.turnId}/events`, { headers: this.lastEventId ? { 'last-event-id': this.lastEventId } : {}, signal });
  }

  async #handleError(response) {
    const { error } = await response.json().catch(() => ({}));
    if (response.status === 503 && ['try_again', 'shutting_down'].includes(error?.code)) return false;
    if (response.status === 404 && this.#ask && this.turnId && !this.lastEventId) {
      // The server stopped before it had stored the turn: the request must be repeated.
      this.turnId = null;
      return false;
    }
    throw new ReplyError(error?.code ?? `http_${response.status}`, error?.message ?? response.statusText, response.status);
  }

  #apply(id, chunk) {
    const [choice] = chunk.choices;
    for (const kind of ['content', 'reasoning_content']) {
      if (choice?.delta?.[kind]) this.#append(id, kind, choice.delta[kind]);
    }
    if (choice?.delta?.tool_calls) this.toolCalls.push(...choice.delta.tool_calls);
    if (choice?.finish_reason) this.finishReason = choice.finish_reason;
    const { rewritten, events, follow_ups: followUps } = chunk.cozecluster ?? {};
    if (rewritten) this.#cut(rewritten);
    if (events) this.events.push(...events);
    if (followUps) this.followUps = followUps;
    // Only now: an event that is not applied yet must be sent again.
    if (id) this.lastEventId = id;
  }

  #append(id, kind, text) {
    const [number, end] = id.split('.').map(Number);
    let part = this.#parts.get(number);
    if (!part) {
      // Offsets do not count the blank line between two answers.
      const before = text.startsWith(blankLine) && end === text.length - blankLine.length ? blankLine.length : 0;
      this.#parts.set(number, (part = { kind, before, text: '' }));
    }
    part.text += text;
  }

  // Some platforms withdraw text.
  #cut({ part: number, offset }) {
    const part = this.#parts.get(number);
    if (part) part.text = part.text.slice(0, part.before + offset);
    this.#rewrites++;
  }

  #join(kind) {
    return [...this.#parts.keys()]
      .sort((a, b) => a - b)
      .map((number) => this.#parts.get(number))
      .filter((part) => part.kind === kind)
      .map((part) => part.text)
      .join('');
  }

  #fetch(path, init) {
    const { baseUrl, apiKey } = this.#options;
    return fetch(baseUrl + path, { ...init, cache: 'no-store', headers: { ...init.headers, authorization: `Bearer ${apiKey}` } });
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#options.onChange(this);
  }
}

/** The events of a stream, as they arrive. An event without an empty line after it is incomplete and does not count. */
async function* readEvents(body, idle) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = { id: null, data: null };
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    idle.reset();
    const lines = (rest + read.value).split('\n');
    rest = lines.pop();
    for (const text of lines) {
      if (text === '') {
        if (event.data !== null) yield event;
        event = { id: null, data: null };
      } else if (text.startsWith('id: ')) event.id = text.slice(4);
      else if (text.startsWith('data: ')) event.data = (event.data === null ? '' : `${event.data}\n`) + text.slice(6);
    }
  }
}

/** Aborts a connection on which nothing arrives for too long. */
class IdleTimeout {
  #abort = new AbortController();
  #outer;
  #onOuter;
  #timer;

  constructor(outer) {
    this.#outer = outer;
    this.#onOuter = () => this.#abort.abort(outer.reason);
    if (outer.aborted) this.#onOuter();
    outer.addEventListener('abort', this.#onOuter);
    this.reset();
  }

  get signal() {
    return this.#abort.signal;
  }

  reset() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(new Error('The server is silent.')), idleTimeout);
  }

  close() {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#onOuter);
    // Closes a response that is still open.
    this.#abort.abort();
  }
}

// Not randomUUID: browsers have it on secure origins only.
function createKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
