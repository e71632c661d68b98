import { Reply } from './resume.js';

const at = (id) => document.getElementById(id);
const fields = ['url', 'key', 'model', 'prompt'];
// Survives a reload of the page, as the turn does.
const memory = sessionStorage;
let reply;

for (const id of fields) at(id).value = memory.getItem(id) ?? at(id).value;

at('form').addEventListener('submit', (event) => {
  event.preventDefault();
  for (const id of fields) memory.setItem(id, at(id).value);
  memory.removeItem('turn');
  show((next) => next.ask({ model: at('model').value, messages: [{ role: 'user', content: at('prompt').value }] }, { survive: true }));
});

at('cancel').addEventListener('click', () => reply?.cancel().catch(() => {}));

const turn = memory.getItem('turn');
if (turn) show((next) => next.follow(turn));

async function show(begin) {
  reply?.leave();
  const mine = (reply = new Reply({ baseUrl: `${at('url').value}/v1`, apiKey: at('key').value, onChange: () => mine === reply && render(mine) }));
  try {
    await begin(mine);
  } catch (error) {
    if (mine === reply) render(mine, `${error.code ?? error.name}: ${error.message}`);
  }
}

function render(current, error = '') {
  if (current.turnId) memory.setItem('turn', current.turnId);
  at('reasoning').textContent = current.reasoning;
  at('text').textContent = current.text;
  at('status').textContent = [current.turnId, current.state, `connections: ${current.connections}`, current.finishReason, error].filter(Boolean).join(' · ');
  at('status').dataset.state = current.state;
}
