// The JavaScript in the documents, as a reader saves and runs it, against a node in sandbox mode.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startNode } from './support.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const documents = ['README.md', 'README.zh-CN.md', 'docs/clients.md', 'docs/zh-CN/clients.md', 'examples/resume/README.md', 'clients/javascript/README.md',
  'docs/from-real-coze-api.md', 'docs/zh-CN/from-real-coze-api.md'];

const blocks = (await Promise.all(documents.map(async (document) => {
  const text = await readFile(join(root, document), 'utf8');
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map((match, number) => ({ name: `${document}, block ${number + 1}`, text: match[1] }));
}))).flat();

describe('JavaScript in documents', { timeout: 120_000 }, () => {
  let node;
  let folder;

  before(async () => {
    node = await startNode();
    folder = await mkdtemp(join(tmpdir(), 'cozecluster-docs-'));
    await symlink(join(here, 'node_modules'), join(folder, 'node_modules'));
    await copyFile(join(root, 'examples', 'resume', 'resume.js'), join(folder, 'resume.js'));
    await copyFile(join(root, 'clients', 'javascript', 'real-coze-api.mjs'), join(folder, 'real-coze-api.mjs'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  });

  after(async () => {
    await node?.stop();
    if (folder) await rm(folder, { recursive: true });
  });

  test('every document has a block', () => {
    for (const document of documents) assert.ok(blocks.some(({ name }) => name.startsWith(document)), document);
  });

  for (const { name, text } of blocks) {
    test(name, async () => {
      const file = join(folder, 'example.mjs');
      await writeFile(file, text.replaceAll('http://127.0.0.1:7077', node.url).replaceAll('http://127.0.0.1:7078/coze', node.coze));
      const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });

      assert.match(stdout, /This is the Coze sandbox/);
    });
  }
});
