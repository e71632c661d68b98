import { Reply } from './resume.js';

const element = (id) => document.getElementById(id);
const fields = ['url', 'key', 'model', 'prompt'];
// Its content survives a reload of the page, as the turn does.
const storage = sessionStorage;
let reply;

for (const id of fields) element(id).value = storage.getItem(id) ?? element(id).value;

element('form').addEventListener('submit', (event) => {
  event.preventDefault();
  for (const id of fields) storage.setItem(id, element(id).value);
  storage.removeItem('turn');
  run((next) => next.ask({ model: element('model').value, messages: [{ role: 'user', content: element('prompt').value }] }, { survive: true }));
});

element('cancel').addEventListener('click', () => reply?.cancel().catch(() => {}));

const turn = storage.getItem('turn');
if (turn) run((next) => next.follow(turn));

async function run(start) {
  reply?.leave();
  const options = { baseUrl: `${element('url').value}/v1`, apiKey: element('key').value, onChange: () => current === reply && render(current) };
  const current = (reply = new Reply(options));
  try {
    await start(current);
  } catch (error) {
    if (current === reply) render(current, `${error.code ?? error.name}: ${error.message}`);
  }
}

function render(current, error = '') {
  if (current.turnId) storage.setItem('turn', current.turnId);
  element('reasoning').textContent = current.reasoning;
  element('text').textContent = current.text;
  const status = [current.turnId, current.state, `connections: ${current.connections}`, current.finishReason, error];
  element('status').textContent = status.filter(Boolean).join(' · ');
  element('status').dataset.state = current.state;
}
