import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

/**
 * Bundles the sources into a few files, which start in half the time of several hundred: see docs/decisions/0005-bundle.md.
 * `bin/hearth.js` uses the bundle as long as no source is newer.
 */
const root = (path: string) => fileURLToPath(new URL(`../packages/homeserver/${path}`, import.meta.url));

/** A file with a character beyond Latin-1 takes twice the memory as long as the server runs. */
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
// One after the other, so that the writer's thread does not load what both have in common as a file of its own.
for (const [name, input] of [
  ['main', 'src/main.ts'],
  ['sqlite-writer', 'src/storage/sqlite-writer.ts'],
] as const) {
  const bundle = await rolldown({
    input: { [name]: root(input) },
    platform: 'node',
    plugins: [ascii],
    // Native, or loaded only where they are needed.
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
