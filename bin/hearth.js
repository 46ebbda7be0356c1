#!/usr/bin/env node
// This file also runs on old versions of Node, because it finds the right version.
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const path = (below) => fileURLToPath(new URL(`../${below}`, import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  // The variable enables the cache for worker threads.
  const cache = path('node_modules/.cache/hearth');
  module.enableCompileCache(cache);
  process.env.NODE_COMPILE_CACHE = cache;
  if (isBuilt()) await import('../packages/homeserver/dist/main.mjs');
  else await import('../packages/homeserver/src/main.ts');
} else {
  const node = path('node_modules/.bin/node');
  const child = spawn(node, [`--max-old-space-size=${heapMebibytes()}`, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', () => {
    console.error(`hearth: Node ${NODE_MAJOR} or later is required, but ${node} does not exist; run npm ci first`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

/** Returns the size of the heap that fits the memory of the machine or container: three fifths of it. */
function heapMebibytes() {
  const container = process.constrainedMemory?.() ?? 0;
  const bytes = container > 0 ? Math.min(container, totalmem()) : totalmem();
  return Math.round((bytes * 0.6) / 1024 ** 2);
}

/** Returns whether the bundle (`npm run build`) exists and no source is newer. */
function isBuilt() {
  const bundle = statSync(path('packages/homeserver/dist/main.mjs'), { throwIfNoEntry: false });
  if (bundle === undefined) return false;
  const isOlder = (file) => statSync(file).mtimeMs <= bundle.mtimeMs;
  return ['protocol', 'api', 'homeserver'].every((name) => {
    const folder = path(`packages/${name}/src`);
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).every((entry) => isOlder(`${folder}/${entry}`));
  });
}
