import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hearth-bundle-'));
const source = join(folder, 'packages/homeserver/src/main.ts');
const bundle = join(folder, 'packages/homeserver/dist/main.mjs');

/** Lays out an installation in which the sources and the bundle print their own name. */
beforeAll(() => {
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const name of ['protocol', 'api', 'homeserver']) {
    mkdirSync(join(folder, `packages/${name}/src/below`), { recursive: true });
    writeFileSync(join(folder, `packages/${name}/src/below/some.ts`), '');
  }
  mkdirSync(join(folder, 'packages/homeserver/dist'));
  writeFileSync(source, 'console.log("sources")');
  writeFileSync(bundle, 'console.log("bundle")');
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = () => execFileSync(process.execPath, [join(folder, 'bin/hearth.js')], { encoding: 'utf8' }).trim();

test('runs the bundle unless a source is newer', () => {
  const later = Date.now() / 1000 + 60;
  utimesSync(bundle, later, later);
  expect(run()).toBe('bundle');
  const nested = join(folder, 'packages/protocol/src/below/some.ts');
  utimesSync(nested, later + 1, later + 1);
  expect(run()).toBe('sources');
});

test('runs the sources when there is no bundle', () => {
  rmSync(bundle);
  expect(run()).toBe('sources');
});
