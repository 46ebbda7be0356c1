import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { runBundle } from '../../bin/run-bundle.js';

const folder = mkdtempSync(join(tmpdir(), 'hearth-bundle-'));
const kept = join(folder, 'main.compiled');
let count = 0;
beforeEach(() => rmSync(kept, { force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const said: string[] = [];
Object.assign(globalThis, { say: (word: string) => said.push(word) });

/** Runs a program under a name of its own, as each start of the server has a process of its own. @returns what it said */
function run(text: string): { said: string[]; keepCompiled: () => void } {
  count += 1;
  const file = join(folder, `main-${count}.cjs`);
  writeFileSync(file, text);
  said.length = 0;
  return { keepCompiled: runBundle(file, kept), said: [...said] };
}

const program = (word: string) => `function greet() { say('${word}'); }\ngreet();`;

test('what was kept belongs to the text it was compiled from', () => {
  run(program('hello')).keepCompiled();
  expect(run(program('hello')).said).toEqual(['hello']);
  // Of the same length, which is all that V8 would look at.
  expect(run(program('howdy')).said).toEqual(['howdy']);
});

test('what was kept in part, or is no code at all, is passed over', () => {
  run(program('hello')).keepCompiled();
  const whole = readFileSync(kept);
  for (const length of [0, 5, 8, 100, whole.length - 1]) {
    writeFileSync(kept, whole.subarray(0, length));
    expect(run(program('hello')).said).toEqual(['hello']);
  }
  const damaged = Buffer.from(whole);
  damaged.writeUInt8(damaged.readUInt8(whole.length - 20) ^ 1, whole.length - 20);
  writeFileSync(kept, damaged);
  expect(run(program('hello')).said).toEqual(['hello']);
});

test('what has run is kept with the rest', () => {
  const before = run('function later() { say("later"); }\nglobalThis.later = later;');
  before.keepCompiled();
  const bytes = readFileSync(kept).length;
  (globalThis as unknown as { later: () => void }).later();
  before.keepCompiled();
  expect(readFileSync(kept).length).toBeGreaterThan(bytes);
});

test('a part that is loaded later finds the bundle that runs', () => {
  writeFileSync(join(folder, 'part.cjs'), `say(require('./main-${count + 1}.cjs').name);`);
  expect(run(`exports.name = 'bundle'; say('once'); require('./part.cjs');`).said).toEqual(['once', 'bundle']);
});
