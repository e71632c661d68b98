// The models of sandbox mode that language models serve.
import { control } from './support.mjs';

/** How each fake records what it received and sent, and which directives cause what. `broken` are faults after which the text is not whole. */
export const models = [
  {
    model: 'openai-sandbox',
    records: async (url) => await control(`${url}/openai/sandbox/completions`),
    read: (record) => ({ text: record.reply, isGone: record.client_gone, deltas: record.deltas_sent }),
    call: (names) => `requires_action=${names}`,
    ends: [['finish=length', 'length'], ['finish=filter', 'content_filter']],
    credit: 'early_error=402',
    limited: 'early_error=429 retry_after=3s',
    early: ['early_error=400', 'context_length_exceeded'],
    refused: ['early_error=422', 'content_filter'],
    unavailable: ['early_error=503', 'error=500', 'http=502', 'disconnect_after=0'],
    broken: [['error=422', 'content_filter'], ['error=503', 'upstream_unavailable'], ['error=500', 'upstream_error'], ['disconnect', 'upstream_unavailable']],
  },
  {
    model: 'responses-sandbox',
    records: async (url) => await control(`${url}/openai/sandbox/completions`),
    read: (record) => ({ text: record.reply, isGone: record.client_gone || record.cancelled, deltas: record.deltas_sent }),
    call: (names) => `requires_action=${names}`,
    ends: [['finish=length', 'length'], ['finish=filter', 'content_filter']],
    credit: 'early_error=402',
    limited: 'early_error=429 retry_after=3s',
    early: ['early_error=400', 'context_length_exceeded'],
    refused: ['early_error=422', 'content_filter'],
    unavailable: ['early_error=503', 'error=500', 'http=502'],
    broken: [['error=422', 'content_filter'], ['error=503', 'upstream_unavailable'], ['error=500', 'upstream_error']],
    // The API has no stop sequences.
    withoutStop: true,
    // A reply goes on when its connection breaks.
    survives: true,
  },
  {
    model: 'claude-sandbox',
    records: async (url) => await control(`${url}/claude/sandbox/messages`),
    read: (record) => ({ text: record.text, isGone: record.status === 'abandoned', deltas: record.deltas }),
    call: (names) => `tool=${names}`,
    ends: [['stop=max_tokens', 'length'], ['stop=refusal', 'content_filter'], ['stop=stop_sequence', 'stop']],
    credit: 'early_error=credit',
    limited: 'early_error=429 retry_after=3s',
    early: ['early_error=context', 'context_length_exceeded'],
    refused: ['early_error=filtered', 'content_filter'],
    unavailable: ['early_error=529', 'error=api_error', 'http=502', 'cut_after=0', 'disconnect_after=0'],
    broken: [
      ['error=filtered', 'content_filter'], ['error=overloaded_error', 'upstream_unavailable'], ['error=api_error', 'upstream_error'],
      ['cut', 'upstream_unavailable'], ['disconnect', 'upstream_unavailable'],
    ],
  },
  {
    model: 'gemini-sandbox',
    records: async (url) => (await control(`${url}/gemini/sandbox/calls`)).calls,
    read: (record) => ({ text: record.answer, isGone: record.client_gone, deltas: record.chunks_sent }),
    call: (names) => `tool=${names}`,
    ends: [['finish=MAX_TOKENS', 'length'], ['finish=SAFETY', 'content_filter'], ['finish=RECITATION', 'content_filter']],
    limited: 'early_error=429 retry_after=3s',
    early: ['early_error=400', 'upstream_invalid_request'],
    refused: ['block', 'content_filter'],
    unavailable: ['early_error=503', 'error=500', 'http=502', 'cut_after=0', 'disconnect_after=0'],
    broken: [
      ['error=400', 'upstream_invalid_request'], ['error=503', 'upstream_unavailable'], ['error_form=bare error=500', 'upstream_error'],
      ['cut', 'upstream_unavailable'], ['disconnect', 'upstream_unavailable'],
    ],
  },
];
