import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { signJson, verifyJson } from '@hearth/protocol/signing/json.ts';
import { isKeyValidFor } from '@hearth/protocol/signing/key-validity.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FederationRequest } from '../../src/federation/client/federation-client.ts';
import { FederationError } from '../../src/federation/client/federation-error.ts';
import { KeyFetcher } from '../../src/federation/keys/key-fetcher.ts';
import { KeyRing } from '../../src/federation/keys/key-ring.ts';
import { Notary } from '../../src/federation/keys/notary.ts';
import { OwnKeys } from '../../src/federation/keys/own-keys.ts';
import { isValidNow } from '../../src/federation/keys/valid-now.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { trimServerKeys } from '../../src/storage/federation/server-keys.ts';
import { engines } from '../storage/engines.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { keyAnswer, keyOf, nameOf } from './support/peer.ts';

const HOUR_MS = 3_600_000;
const US = nameOf('us.example');
const [first, second, notaryKey] = [keyOf(1), keyOf(2), keyOf(9)];

describe.each(engines)('the key ring on $name', (engine) => {
  const clock = new ManualClock();
  let database: Database;
  let end: () => Promise<void>;
  /** The answers of servers. A server without an answer does not answer. */
  let network: Map<string, (request: FederationRequest) => JsonObject>;
  let asked: string[];
  /** Names that are new in each test, because the database is not. */
  let [peer, notary] = [nameOf('peer.example'), nameOf('notary.example')];
  let count = 0;

  beforeAll(async () => {
    ({ database, end } = await engine.open());
  });
  beforeEach(() => {
    network = new Map();
    asked = [];
    count += 1;
    [peer, notary] = [nameOf(`peer${count}.example`), nameOf(`notary${count}.example`)];
  });
  afterAll(() => end());

  const client = {
    async request(server: string, request: FederationRequest): Promise<JsonObject> {
      asked.push(server);
      await Promise.resolve();
      const answer = network.get(server);
      if (answer === undefined) throw new FederationError('no-answer', 'dead');
      return answer(request);
    },
  };
  const ownKeys = new OwnKeys(
    US,
    keyOf(5),
    [{ keyId: 'ed25519:old', publicKey: keyOf(6).publicKey, expiredTs: 10 }],
    clock,
  );
  const open = (notaries = [notary]) =>
    new KeyRing({ database, fetcher: new KeyFetcher(client, clock, notaries), ownKeys, clock });
  const now = isValidNow(clock);
  const publish = (keys = [first], validMs = HOUR_MS) => {
    const answer = keyAnswer({ server: peer, keys, validUntilTs: clock.now() + validMs });
    network.set(peer, () => answer);
    return answer;
  };
  const publishNotary = (answers: () => JsonObject[]) =>
    network.set(notary, ({ method }) =>
      method === 'GET'
        ? keyAnswer({ server: notary, keys: [notaryKey], validUntilTs: clock.now() + HOUR_MS })
        : { server_keys: answers().map((answer) => signJson(answer, notary, notaryKey)) },
    );

  test('fetches the keys of a server once, for all requests at the same time', async () => {
    publish();
    const ring = open();
    const found = await Promise.all(Array.from({ length: 5 }, () => ring.find(peer, first.keyId, now)));
    expect(found.every((key) => key !== undefined)).toBe(true);
    expect(asked).toEqual([peer]);
  });

  test('has the keys after a restart, although their server is gone', async () => {
    publish();
    await open().find(peer, first.keyId, now);
    network.clear();
    expect(await open().find(peer, first.keyId, now)).toBeDefined();
    expect(asked).toEqual([peer]);
  });

  test('fetches the keys again when they are no longer valid, and refuses them if that fails', async () => {
    publish();
    const ring = open([]);
    await ring.find(peer, first.keyId, now);
    clock.skip(HOUR_MS);
    publish();
    expect(await ring.find(peer, first.keyId, now)).toBeDefined();
    network.clear();
    clock.skip(HOUR_MS);
    expect(await ring.find(peer, first.keyId, now)).toBeUndefined();
    // The key still verifies events from the time in which it was valid.
    const then = clock.now() - HOUR_MS - 1;
    const valid = (key: Parameters<typeof now>[0]) =>
      isKeyValidFor(key, then, clock.now(), { enforceSigningKeyValidity: true });
    expect(await ring.find(peer, first.keyId, valid)).toBeDefined();
  });

  test('asks a server that does not know a key, or does not answer, only now and then', async () => {
    publish();
    const ring = open([]);
    for (let i = 0; i < 10; i++) expect(await ring.find(peer, 'ed25519:unknown', now)).toBeUndefined();
    expect(asked).toHaveLength(1);
    const dead = nameOf(`dead${count}.example`);
    for (let minutes = 0; minutes < 60; minutes++) {
      expect(await ring.find(dead, first.keyId, now)).toBeUndefined();
      clock.skip(60_000);
    }
    expect(asked.filter((server) => server === dead).length).toBeLessThan(15);
    publish([first, second]);
    expect(await ring.find(peer, second.keyId, now)).toBeDefined();
  });

  test('keeps a replaced key for old events, also if the server does not list it as old', async () => {
    publish();
    const ring = open();
    await ring.find(peer, first.keyId, now);
    clock.skip(HOUR_MS);
    publish([second]);
    expect(await ring.find(peer, second.keyId, now)).toBeDefined();
    expect(await ring.find(peer, first.keyId, () => true)).toBeDefined();
  });

  test('does not replace a key by an answer that is not valid', async () => {
    publish();
    const ring = open([]);
    await ring.find(peer, first.keyId, now);
    clock.skip(2 * 60_000);
    network.set(peer, () => ({
      ...keyAnswer({ server: peer, keys: [second], validUntilTs: clock.now() }),
      valid_until_ts: 1,
    }));
    await ring.find(peer, second.keyId, now);
    expect(await ring.find(peer, first.keyId, now)).toBeDefined();
    expect(await ring.find(peer, second.keyId, () => true)).toBeUndefined();
  });

  test('refuses a key that the server has expired, although it was valid for longer', async () => {
    publish([first], 365 * 24 * HOUR_MS);
    const ring = open([]);
    await ring.find(peer, first.keyId, now);
    clock.skip(HOUR_MS);
    const old = [{ key: first, expiredTs: clock.now() }];
    const answer = keyAnswer({ server: peer, keys: [second], validUntilTs: clock.now() + HOUR_MS, old });
    network.set(peer, () => answer);
    expect(await ring.find(peer, second.keyId, now)).toBeDefined();
    expect(await ring.find(peer, first.keyId, now)).toBeUndefined();
  });

  test('asks a notary for the keys of a server that does not answer', async () => {
    const answer = keyAnswer({ server: peer, keys: [first], validUntilTs: clock.now() + HOUR_MS });
    publishNotary(() => [answer]);
    expect(await open().find(peer, first.keyId, now)).toBeDefined();
    expect(asked).toEqual([peer, notary, notary]);
  });

  test('does not believe a notary whose signature is missing', async () => {
    const answer = keyAnswer({ server: peer, keys: [first], validUntilTs: clock.now() + HOUR_MS });
    publishNotary(() => []);
    const signs = network.get(notary);
    network.set(notary, (request) => (request.method === 'GET' && signs ? signs(request) : { server_keys: [answer] }));
    expect(await open().find(peer, first.keyId, now)).toBeUndefined();
  });

  test('asks a notary that does not answer for nothing else', async () => {
    expect(await open().find(notary, 'ed25519:1', now)).toBeUndefined();
    expect(asked).toEqual([notary]);
  });

  test('has the keys of this server without network', async () => {
    const ring = open();
    expect(await ring.find(US, ownKeys.signingKey.keyId, now)).toBeDefined();
    expect(await ring.find(US, 'ed25519:old', now)).toBeUndefined();
    const before = (key: Parameters<typeof now>[0]) =>
      isKeyValidFor(key, 9, clock.now(), { enforceSigningKeyValidity: true });
    expect(await ring.find(US, 'ed25519:old', before)).toBeDefined();
    expect(asked).toEqual([]);
  });

  test('does not fetch if that is forbidden', async () => {
    publish();
    const forbid = () => {
      throw new Error('too many');
    };
    await expect(open().find(peer, first.keyId, now, forbid)).rejects.toThrow('too many');
    expect(asked).toEqual([]);
  });

  test('loses the keys that were fetched first when there are too many', async () => {
    const servers = ['a.example', 'b.example', 'c.example'].map(nameOf);
    const ring = open([]);
    for (const server of servers) {
      network.set(server, () => keyAnswer({ server, keys: [first], validUntilTs: clock.now() + HOUR_MS }));
      await ring.find(server, first.keyId, now);
      clock.skip(1);
    }
    await database.commit([trimServerKeys(1)]);
    network.clear();
    const left = open([]);
    const found = await Promise.all(servers.map((server) => left.find(server, first.keyId, now)));
    expect(found.map((key) => key !== undefined)).toEqual([false, true, true]);
  });

  describe('as a notary', () => {
    const query = (server: string, keyIds: string[] = [], validUntilTs?: number) =>
      new Notary(ownKeys, open([]), clock).query([{ server, keyIds, validUntilTs }], () => {});

    test('returns the answer of the server with its signature and that of this server', async () => {
      const answer = publish();
      const [signed] = await query(peer);
      expect({ ...signed, signatures: undefined }).toEqual({ ...answer, signatures: undefined });
      expect(verifyJson(signed ?? {}, peer, first.keyId, first.publicKey)).toBe(true);
      expect(verifyJson(signed ?? {}, US, ownKeys.signingKey.keyId, ownKeys.signingKey.publicKey)).toBe(true);
    });

    test('fetches again only if the known answer is not valid for long enough', async () => {
      publish();
      await query(peer);
      await query(peer, [], clock.now() + HOUR_MS);
      expect(asked).toEqual([peer]);
      await query(peer, [], clock.now() + HOUR_MS + 1);
      expect(asked).toEqual([peer, peer]);
    });

    test('returns the older answer that lists an old key', async () => {
      publish();
      await query(peer);
      clock.skip(2 * HOUR_MS);
      publish([second]);
      const all = await query(peer);
      expect(all).toHaveLength(2);
      expect(await query(peer, [first.keyId])).toMatchObject([{ verify_keys: { [first.keyId]: {} } }]);
      expect(await query(peer, ['ed25519:none'])).toEqual([]);
    });

    test('leaves out servers that do not answer and texts that are no names', async () => {
      expect(await query('dead.example')).toEqual([]);
      expect(await query('not a name')).toEqual([]);
      expect(await query(US)).toMatchObject([{ server_name: US }]);
    });
  });
});
