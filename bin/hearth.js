#!/usr/bin/env node
// Kept to what old versions of Node understand: it finds the right one.
import { spawn } from 'node:child_process';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  // Compiled code of the last run is used again: a start takes half the time. The variable is for the threads.
  const cache = fileURLToPath(new URL('../node_modules/.cache/hearth', import.meta.url));
  module.enableCompileCache(cache);
  process.env.NODE_COMPILE_CACHE = cache;
  await import('../packages/homeserver/src/main.ts');
} else {
  const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', () => {
    console.error(`hearth: needs Node ${NODE_MAJOR} or later, and there is none at ${node}; run npm ci first`);
    process.exit(1);
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}
