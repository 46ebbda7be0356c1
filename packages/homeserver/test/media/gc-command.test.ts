import { existsSync, utimesSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer } from '../../../../tests/support/server.ts';
import { command } from '../cli/command.ts';
import { upload } from './client.ts';

test('hearth media gc says what it would remove, and removes it, while the server is stopped', async () => {
  const server = await startServer();
  await upload(await server.user(), 'kept');
  const below = join(server.dataDir, 'media', 'a');
  await mkdir(below, { recursive: true });
  const orphan = join(below, 'c'.repeat(63));
  await writeFile(orphan, 'orphan');
  utimesSync(orphan, 1, 1);
  const args = ['media', 'gc', '--data-dir', server.dataDir, '--server-name', 'hearth.test'];
  expect(await command(...args)).toMatch(/^1: .*: stop it first/);
  await server.stop();
  expect(await command(...args, '--dry-run')).toMatch(/^0: Would remove .* 1 unreferenced files with 6 bytes/);
  expect(existsSync(orphan)).toBe(true);
  expect(await command(...args)).toMatch(/^0: Removed .* 1 unreferenced files with 6 bytes/);
  expect(existsSync(orphan)).toBe(false);
  await server.close();
});
