import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/**
 * Puts the sources into a few files, which start in half the time of four hundred: see docs/decisions/0005-bundle.md.
 * `bin/hearth.js` uses them as long as no source is newer.
 */
const root = (path: string) => fileURLToPath(new URL(`../packages/homeserver/${path}`, import.meta.url));

rmSync(root('dist'), { recursive: true, force: true });
const bundle = await rolldown({
  input: { main: root('src/main.ts'), 'sqlite-writer': root('src/storage/sqlite-writer.ts') },
  platform: 'node',
  // Native, or loaded only where they are needed.
  external: [
    '@napi-rs/blake-hash',
    '@node-rs/argon2',
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
await bundle.write({ dir: root('dist'), format: 'esm', entryFileNames: '[name].js' });
