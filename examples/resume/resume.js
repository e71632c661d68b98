// A streamed reply that survives lost connections and restarts of the server. No dependencies; for browsers and Node 20.

const firstPause = 250;
const longestPause = 4_000;
// A healthy stream is never silent for longer than 10 s: a comment comes then.
const silence = 30_000;
const blankLine = '\n\n';

/** An answer of the server that asking again will not change. */
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
 * One reply. `ask` it or `follow` it; both settle at its end. What came so far can be read at any time:
 * `text`, `reasoning`, `toolCalls`, `events`, `followUps`, `finishReason`, `turnId`, `lastEventId`,
 * and how it stands: `state` is `idle`, `connecting`, `streaming`, `waiting` (for another try) or `ended`.
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
  /** How many connections it took. */
  connections = 0;

  /**
   * @param {{ baseUrl: string, apiKey: string, onChange?: (reply: Reply) => void, patience?: number }} options
   *   `baseUrl` ends with `/v1`; `onChange` is called after everything that happened; `patience` is for how many milliseconds in a row
   *   the server may be out of reach, by default two minutes
   */
  constructor({ baseUrl, apiKey, onChange = () => {}, patience = 120_000 }) {
    this.#options = { baseUrl: baseUrl.replace(/\/$/, ''), apiKey, onChange, patience };
  }

  /** All answers with a blank line between them, images as Markdown. */
  get text() {
    return this.#join('content');
  }

  get reasoning() {
    return this.#join('reasoning_content');
  }

  /** How often text that had come already was taken back. */
  get rewrites() {
    return this.#rewrites;
  }

  /**
   * Asks, and reads the reply to its end.
   * @param {object} request the body of a chat completion
   * @param {{ survive?: boolean }} [how] `survive`: the turn goes on while nobody listens; otherwise it is cancelled after 15 s alone
   */
  ask(request, { survive = false } = {}) {
    // The key makes asking harmless: however often the request is sent, it begins one turn.
    const headers = { 'content-type': 'application/json', 'idempotency-key': newKey() };
    if (survive) headers['x-turn-survive'] = 'true';
    this.#ask = { method: 'POST', headers, body: JSON.stringify({ ...request, stream: true }) };
    return this.#run();
  }

  /** Reads the reply of a turn that was begun before, from its start to its end. */
  follow(turnId) {
    this.turnId = turnId;
    return this.#run();
  }

  /** Stops the turn at the server; the reply ends with the error `cancelled`, if it has not ended before. */
  async cancel() {
    if (!this.turnId) return this.leave();
    while (this.state !== 'ended') {
      try {
        return void (await this.#fetch(`/turns/${this.turnId}`, { method: 'DELETE' }));
      } catch {
        // Whether it arrived is not known. Cancelling twice does no harm.
        await sleep(firstPause);
      }
    }
  }

  /** Stops listening. */
  leave() {
    this.#stop.abort(new ReplyError('left', 'Nobody listens any more.'));
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
          // Anything else is the connection: go on where it broke.
        }
        if (this.connections > before) [pause, reachedAt] = [firstPause, Date.now()];
        if (Date.now() - reachedAt > this.#options.patience) throw new ReplyError('unreachable', 'The server could not be reached.');
        this.#is('waiting');
        await sleep(pause * (0.5 + Math.random()), this.#stop.signal);
        pause = Math.min(pause * 2, longestPause);
      }
    } finally {
      this.#is('ended');
    }
  }

  /** @returns {Promise<boolean>} whether the reply has ended; otherwise it has to be gone on with */
  async #connect() {
    this.#is('connecting');
    const line = new Line(this.#stop.signal);
    try {
      const response = this.turnId ? await this.#follow(line.signal) : await this.#fetch('/chat/completions', { ...this.#ask, signal: line.signal });
      line.heard();
      this.turnId = response.headers.get('x-turn-id') ?? this.turnId;
      if (!response.ok) return await this.#refused(response);
      this.connections++;
      this.#is('streaming');
      for await (const event of readEvents(response.body, line)) {
        if (event.data === '[DONE]') return true;
        const chunk = JSON.parse(event.data);
        if (chunk.error?.code === 'try_again') return false;
        if (chunk.error) throw new ReplyError(chunk.error.code, chunk.error.message, 200);
        this.#take(event.id, chunk);
        this.#options.onChange(this);
      }
      return false;
    } finally {
      line.close();
    }
  }

  #follow(signal) {
    return this.#fetch(`/turns/${this.turnId}/events`, { headers: this.lastEventId ? { 'last-event-id': this.lastEventId } : {}, signal });
  }

  async #refused(response) {
    const { error } = await response.json().catch(() => ({}));
    if (response.status === 503 && ['try_again', 'shutting_down'].includes(error?.code)) return false;
    if (response.status === 404 && this.#ask && this.turnId && !this.lastEventId) {
      // The server stopped before the turn was worth remembering: it has to be asked again.
      this.turnId = null;
      return false;
    }
    throw new ReplyError(error?.code ?? `http_${response.status}`, error?.message ?? response.statusText, response.status);
  }

  #take(id, chunk) {
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
    // Only now: what is not taken yet has to come again.
    if (id) this.lastEventId = id;
  }

  #append(id, kind, text) {
    const [number, end] = id.split('.').map(Number);
    let part = this.#parts.get(number);
    if (!part) {
      // The blank line between two answers is not counted by offsets.
      const before = text.startsWith(blankLine) && end === text.length - blankLine.length ? blankLine.length : 0;
      this.#parts.set(number, (part = { kind, before, text: '' }));
    }
    part.text += text;
  }

  // Some platforms take back what they said.
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

  #is(state) {
    if (this.state === state) return;
    this.state = state;
    this.#options.onChange(this);
  }
}

/** Events of a stream, as they come. An event that is not ended by an empty line was torn off, and never happened. */
async function* readEvents(body, line) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = { id: null, data: null };
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    line.heard();
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

/** A connection that is given up when nothing is heard of it for too long. */
class Line {
  #abort = new AbortController();
  #outer;
  #onOuter;
  #timer;

  constructor(outer) {
    this.#outer = outer;
    this.#onOuter = () => this.#abort.abort(outer.reason);
    if (outer.aborted) this.#onOuter();
    outer.addEventListener('abort', this.#onOuter);
    this.heard();
  }

  get signal() {
    return this.#abort.signal;
  }

  heard() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(new Error('The server is silent.')), silence);
  }

  close() {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#onOuter);
    // Whatever is still open is not read any more.
    this.#abort.abort();
  }
}

// Not randomUUID: browsers have it only on secure origins.
function newKey() {
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
