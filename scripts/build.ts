import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

/**
 * Bundles the sources into a few files, which start in half the time of several hundred files
 * (docs/decisions/0005-bundle.md). `bin/hearth.js` uses the bundle as long as no source is newer.
 */
const root = (path: string) => fileURLToPath(new URL(`../packages/homeserver/${path}`, import.meta.url));

/** A plugin that escapes characters beyond Latin-1, because a file with such a character takes twice the memory. */
const ascii: Plugin = {
  name: 'ascii',
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type === 'chunk') file.code = file.code.replaceAll(/[^\0-\x7f]/g, escaped);
    }
  },
};

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

rmSync(root('dist'), { recursive: true, force: true });
// The bundles are built one after the other, so that the shared parts do not become a separate file that the writer's
// thread has to load.
for (const [name, input] of [
  ['main', 'src/main.ts'],
  ['sqlite-writer', 'src/storage/engine/sqlite/sqlite-writer.ts'],
] as const) {
  const bundle = await rolldown({
    input: { [name]: root(input) },
    platform: 'node',
    plugins: [ascii],
    // These modules are native, or are loaded only where they are needed.
    external: [
      '@napi-rs/blake-hash',
      'aws4fetch',
      'file-type',
      'htmlparser2',
      'ipaddr.js',
      'nodemailer',
      'pg',
      'prom-client',
      'sharp',
      'yaml',
    ],
  });
  await bundle.write({
    dir: root('dist'),
    format: 'esm',
    entryFileNames: '[name].mjs',
    chunkFileNames: '[name].mjs',
  });
}
