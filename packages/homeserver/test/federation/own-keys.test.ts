import { parseServerName, type ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { canonicalJson } from '@hearth/protocol/json/canonical.ts';
import { signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import { verifyJson } from '@hearth/protocol/signing/json.ts';
import { KEY_VALIDITY_MS_MAX } from '@hearth/protocol/signing/key-validity.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { request } from '../../../../tests/support/client.ts';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import { OwnKeys } from '../../src/federation/keys/own-keys.ts';
import { isPublicDomain } from '../../src/federation/public-domain.ts';
import { ManualClock } from '../support/manual-clock.ts';

const A = parseServerName('a.example') as ServerName;
const HOUR_MS = 3_600_000;
const key = signingKeyFromSeed(new Uint8Array(32).fill(1), 'ed25519:new');
const old = { keyId: 'ed25519:old', publicKey: 'x', expiredTs: 5 };

test('the published keys are valid for between 23 hours and seven days whenever they are read', () => {
  const clock = new ManualClock();
  const keys = new OwnKeys(A, key, [old], clock);
  fc.assert(
    fc.property(fc.nat(2 * 24 * HOUR_MS), (ms) => {
      clock.skip(ms);
      const published = keys.published();
      const validMs = Number(published.valid_until_ts) - clock.now();
      expect(validMs).toBeGreaterThanOrEqual(23 * HOUR_MS);
      expect(validMs).toBeLessThanOrEqual(KEY_VALIDITY_MS_MAX);
      expect(verifyJson(published, 'a.example', key.keyId, key.publicKey)).toBe(true);
    }),
  );
});

test('the published keys list the current key and the old ones with the time at which they expired', () => {
  expect(new OwnKeys(A, key, [old], new ManualClock()).published()).toMatchObject({
    server_name: 'a.example',
    verify_keys: { 'ed25519:new': { key: key.publicKey } },
    old_verify_keys: { 'ed25519:old': { key: 'x', expired_ts: 5 } },
  });
});

test('the text of the published keys without signatures is canonical JSON', () => {
  const older = { ...old, keyId: 'ed25519:OLDER' };
  const { signatures: _, ...published } = new OwnKeys(A, key, [old, older], new ManualClock()).published();
  expect(JSON.stringify(published)).toBe(canonicalJson(published));
});

test.each([
  ['example.org', true],
  ['Matrix.Example.ORG:8448', true],
  ['xn--hxajbheg2az3al.xn--jxalpdlp', true],
  ['localhost', false],
  ['localhost:8448', false],
  ['hs1', false],
  ['hearth.test', false],
  ['nas.local', false],
  ['box.home.arpa', false],
  ['127.0.0.1', false],
  ['192.0.2.1:8448', false],
  ['[2001:db8::1]', false],
  ['a..org', false],
])('a server name is a public domain: %s: %s', (name, expected) => {
  expect(isPublicDomain(name)).toBe(expected);
});

let server: TestServer;
let island: TestServer;
beforeAll(async () => {
  server = await startServer({ config: { federation: { enabled: true, delegate_to: 'matrix.hearth.test:443' } } });
  island = await startServer({ config: { federation: {} } });
});
afterAll(async () => {
  await server.close();
  await island.close();
});

test('a server publishes its keys, its version and where it is reached', async () => {
  const { json: keys } = await request({ server }, 'GET', '/_matrix/key/v2/server');
  const [[keyId, published] = ['', {}]] = Object.entries(keys.verify_keys as Record<string, { key: string }>);
  expect(verifyJson(keys, 'hearth.test', keyId, (published as { key: string }).key)).toBe(true);
  expect((await request({ server }, 'GET', '/_matrix/key/v2/server/ed25519%3Aauto')).json).toEqual(keys);
  const version = await request({ server }, 'GET', '/_matrix/federation/v1/version');
  expect(version.json).toEqual({ server: { name: 'Hearth', version: expect.stringMatching(/^\d/) } });
  const wellKnown = await request({ server }, 'GET', '/.well-known/matrix/server');
  expect(wellKnown.json).toEqual({ 'm.server': 'matrix.hearth.test:443' });
});

test('the keys stay the same after a restart', async () => {
  const keys = async () => (await request({ server }, 'GET', '/_matrix/key/v2/server')).json.verify_keys;
  const before = await keys();
  await server.restart();
  expect(await keys()).toEqual(before);
});

test('a server whose name is no public domain does not federate by default', async () => {
  for (const path of ['/_matrix/key/v2/server', '/_matrix/federation/v1/version', '/.well-known/matrix/server']) {
    const { status, json } = await request({ server: island }, 'GET', path);
    expect([status, json.errcode]).toEqual([404, 'M_UNRECOGNIZED']);
  }
});
