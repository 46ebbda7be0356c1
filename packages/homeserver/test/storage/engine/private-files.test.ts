import { chmodSync, globSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { request } from '../../../../../tests/support/client.ts';
import { startServer } from '../../../../../tests/support/server.ts';
import { silentLog } from '../../../src/platform/monitoring/log.ts';

let folder: string;
let mask: number;
beforeEach(() => {
  // The mask of most systems, and a folder that others may enter.
  mask = process.umask(0o022);
  folder = mkdtempSync(join(tmpdir(), 'hearth-modes-'));
  chmodSync(folder, 0o755);
});
afterEach(() => {
  process.umask(mask);
  rmSync(folder, { recursive: true });
});

/** Starts a server in the folder, which stores an event and a file. */
async function runServer() {
  const warn = vi.fn();
  const log = { ...silentLog, warn };
  const server = await startServer({ config: { data_dir: folder }, machine: { log } });
  const user = await server.user();
  await user.send(await user.createRoom(), 'hello');
  const upload = await request(user, 'POST', '/_matrix/media/v3/upload', { rawBody: 'x'.repeat(600_000) });
  expect(upload.status).toBe(200);
  const modes = globSync('**/*', { cwd: folder }).map((name): [string, number] => [
    name,
    statSync(join(folder, name)).mode & 0o077,
  ]);
  await server.close();
  return { modes, warn };
}

test('makes files and folders that only the owner can read', async () => {
  const { modes, warn } = await runServer();
  expect(modes.map(([name]) => name)).toEqual(expect.arrayContaining(['hearth.db', 'hearth.db-wal', 'hearth.lock']));
  expect(modes.filter(([name]) => name.startsWith('media')).length).toBeGreaterThan(1);
  expect(modes.filter(([, others]) => others !== 0)).toEqual([]);
  expect(warn).not.toHaveBeenCalled();
});

test('warns once of files that others can read, with the command that helps', async () => {
  await runServer();
  chmodSync(join(folder, 'hearth.db'), 0o644);
  mkdirSync(join(folder, 'media'), { recursive: true });
  chmodSync(join(folder, 'media'), 0o755);
  const { warn } = await runServer();
  expect(warn).toHaveBeenCalledTimes(1);
  const remedy = expect.stringMatching(/^chmod -R go= '.*hearth\.db'.* '.*media'$/);
  expect(warn.mock.calls[0]?.[1]).toMatchObject({ remedy });
});
