import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';

const HEARTH = fileURLToPath(new URL('../../bin/hearth.js', import.meta.url));

test('a server keeps serving when nobody reads its log, and stops on SIGTERM', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-start-'));
  const address = `127.0.0.1:${await freePort()}`;
  const options = ['--server-name', 'a.test', '--data-dir', folder, '--listen', address];
  const child = spawn(process.execPath, [HEARTH, 'start', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  // Everything that the server prints from now on goes into a broken pipe.
  child.stdout.destroy();
  child.stderr.destroy();
  const exited = once(child, 'exit');
  const versions = () => fetch(`http://${address}/_matrix/client/versions`).catch(() => undefined);
  while ((await versions()) === undefined) await setTimeout(50);
  // This is enough time for the lines that the server prints once it is ready.
  await setTimeout(200);
  expect((await versions())?.status).toBe(200);
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  rmSync(folder, { recursive: true });
}, 30_000);
