import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OTHER_TLS, SERVER_TLS } from '../../../../tests/support/certificates.ts';
import { freePort } from '../../../../tests/support/free-port.ts';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';

/** A clock whose timers fire after at most 50 ms. */
const hasty: Clock = { ...systemClock, after: (ms, run) => systemClock.after(Math.min(ms, 50), run) };

const folder = mkdtempSync(join(tmpdir(), 'hearth-tls-'));
const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
const warnings: string[] = [];
let server: TestServer;
let port: number;
beforeAll(async () => {
  write(SERVER_TLS);
  port = await freePort();
  const listen = ['127.0.0.1:0', { address: `127.0.0.1:${port}`, tls }];
  const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
  server = await startServer({ config: { listen }, machine: { clock: hasty, log } });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

function write({ cert, key }: { readonly cert?: string; readonly key?: string }): void {
  if (cert !== undefined) writeFileSync(tls.certificate, cert);
  if (key !== undefined) writeFileSync(tls.key, key);
}

/** Returns the name in the certificate that a new connection gets. */
function served(): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      resolve(subject.CN as string | undefined);
    });
    socket.on('error', reject);
  });
}

test('a renewed certificate is served without a restart, as soon as certificate and key belong together', async () => {
  expect(await served()).toBe('server');
  write({ cert: OTHER_TLS.cert });
  await expect.poll(() => warnings).toContain('keeping the old certificate');
  expect(await served()).toBe('server');
  write({ key: OTHER_TLS.key });
  await expect.poll(served).toBe('other');
  write({ cert: 'nonsense' });
  await expect.poll(() => warnings.filter((one) => one === 'keeping the old certificate').length).toBe(2);
  expect(await served()).toBe('other');
});
