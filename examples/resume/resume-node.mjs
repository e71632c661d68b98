// node resume-node.mjs "Tell me a long story"
// COZECLUSTER_URL, COZECLUSTER_KEY and COZECLUSTER_MODEL set address, key and model; by default those of a node in sandbox mode.
import { Reply } from './resume.js';

const { COZECLUSTER_URL: url = 'http://127.0.0.1:7077', COZECLUSTER_KEY: apiKey = 'sk-sandbox', COZECLUSTER_MODEL: model = 'coze-sandbox' } = process.env;
const prompt = process.argv.slice(2).join(' ') || 'Tell me a long story [[text=unicode chunks=400 pace=50ms]]';

let shown = '';
let state = '';
const reply = new Reply({
  baseUrl: `${url}/v1`,
  apiKey,
  onChange({ text, turnId, state: newState, connections }) {
    if (newState !== state) process.stderr.write(`[${newState}${turnId ? ` ${turnId}` : ''}, ${connections} connections]\n`);
    state = newState;
    // A terminal cannot withdraw text.
    if (!text.startsWith(shown)) {
      process.stdout.write('\n[rewritten]\n');
      shown = '';
    }
    process.stdout.write(text.slice(shown.length));
    shown = text;
  },
});

process.once('SIGINT', () => reply.cancel().catch(() => reply.leave()));
try {
  await reply.ask({ model, messages: [{ role: 'user', content: prompt }] }, { survive: true });
  process.stdout.write('\n');
} catch (error) {
  process.stderr.write(`\n${error.code ?? error.name}: ${error.message}\n`);
  process.exitCode = 1;
}
