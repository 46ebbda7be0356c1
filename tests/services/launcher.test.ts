import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cert, key } from '../../packages/homeserver/test/http/certificate.ts';
import { request } from '../support/client.ts';
import { freePort } from '../support/free-port.ts';
import { registerUser } from '../support/user.ts';

const LAUNCHER = fileURLToPath(new URL('../launcher', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hearth-launcher-'));
const notified: string[] = [];
let web: Server;
let origin: string;

/** Starts a web server and push gateway whose certificate was not signed by a well-known authority. */
beforeAll(async () => {
  web = createServer({ cert, key }, (incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    incoming.on('end', () => {
      if (incoming.method === 'POST') notified.push(body);
      const type = incoming.method === 'POST' ? 'application/json' : 'text/html';
      response.writeHead(200, { 'Content-Type': type });
      response.end(incoming.method === 'POST' ? '{"rejected":[]}' : '<html><head><title>Trusted</title></head></html>');
    });
  });
  web.listen(0, '127.0.0.1');
  await once(web, 'listening');
  origin = `https://localhost:${(web.address() as AddressInfo).port}`;
  writeFileSync(join(folder, 'ca.pem'), `# a comment\n${cert}${cert}`);
});

afterAll(() => {
  web.close();
  web.closeAllConnections();
  rmSync(folder, { recursive: true });
});

async function start(name: string, more: Record<string, string>): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const env = { SERVER_NAME: 'hs1', HS_CLIENT_PORT: `${port}`, HS_DATA_DIR: join(folder, name), ...more };
  const child = spawn(LAUNCHER, { env: { PATH: process.env.PATH, ...env }, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/_matrix/client/versions`).catch(() => undefined))?.ok) await setTimeout(50);
  return { url, child };
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}

test('HS_CA_CERT is trusted for previews and push gateways', async () => {
  const { url, child } = await start('trusting', { HS_CA_CERT: join(folder, 'ca.pem') });
  const [alice, bob] = [
    await registerUser({ url }, { username: 'alice' }),
    await registerUser({ url }, { username: 'bob' }),
  ];
  const reply = await request(alice, 'GET', '/_matrix/client/v1/media/preview_url', { query: { url: `${origin}/` } });
  expect(reply).toMatchObject({ status: 200, json: { 'og:title': 'Trusted' } });
  await alice.post('/pushers/set', {
    kind: 'http',
    app_id: 'org.example.app',
    pushkey: 'key',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: `${origin}/_matrix/push/v1/notify` },
  });
  const room = await alice.createRoom();
  await bob.join(room);
  await bob.send(room, 'hello alice');
  await expect.poll(() => notified.length).toBeGreaterThan(0);
  await stop(child);
}, 30_000);

test('a certificate is refused without HS_CA_CERT', async () => {
  const { url, child } = await start('usual', {});
  const alice = await registerUser({ url }, { username: 'alice' });
  const reply = await request(alice, 'GET', '/_matrix/client/v1/media/preview_url', { query: { url: `${origin}/` } });
  expect(reply.status).not.toBe(200);
  await stop(child);
}, 30_000);
