#!/usr/bin/env node
// Kept to what old versions of Node understand: it finds the right one.
import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const path = (below) => fileURLToPath(new URL(`../${below}`, import.meta.url));

/** Keeps what has been compiled so far for later starts; only there when the bundle runs. */
export let keepCompiled;

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  // For what is not in the bundle. The variable is for the threads.
  const cache = path('node_modules/.cache/hearth');
  module.enableCompileCache(cache);
  process.env.NODE_COMPILE_CACHE = cache;
  if (isBuilt()) {
    const { runBundle } = await import('./run-bundle.js');
    keepCompiled = runBundle(path('packages/homeserver/dist/main.cjs'), path('packages/homeserver/dist/main.compiled'));
  } else {
    await import('../packages/homeserver/src/main.ts');
  }
} else {
  const node = path('node_modules/.bin/node');
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', () => {
    console.error(`hearth: needs Node ${NODE_MAJOR} or later, and there is none at ${node}; run npm ci first`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

/** Whether the bundle is there and made from the sources as they are now. */
function isBuilt() {
  const bundle = statSync(path('packages/homeserver/dist/main.cjs'), { throwIfNoEntry: false });
  return (
    bundle !== undefined &&
    ['protocol', 'api', 'homeserver'].every((name) => isOlder(path(`packages/${name}/src`), bundle))
  );
}

/** Whether nothing in a folder has changed since. */
function isOlder(folder, { mtimeMs }) {
  return readdirSync(folder, { withFileTypes: true }).every((entry) => {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return statSync(file).mtimeMs <= mtimeMs && isOlder(file, { mtimeMs });
    return statSync(file).mtimeMs <= mtimeMs;
  });
}
