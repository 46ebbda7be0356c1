import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { RemoteKeys } from '../../src/encryption/remote/remote-keys.ts';
import type { FederationRequest } from '../../src/federation/client/federation-client.ts';
import { FederationError } from '../../src/federation/client/federation-error.ts';
import { CrossSigningMaker, curveKey, DeviceMaker } from '../support/key-maker.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SERVER = 'there.example';
const BOB = `@bob:${SERVER}`;
const CAROL = `@carol:${SERVER}`;
const DEVICE = 'PHONE';
const ALGORITHM = 'signed_curve25519';

let clock: ManualClock;
let sent: { readonly server: string; readonly request: FederationRequest }[];
/** The answer of the servers to each request. */
let answer: (server: string) => JsonObject | Promise<JsonObject>;
let remoteKeys: RemoteKeys;
beforeEach(() => {
  clock = new ManualClock();
  sent = [];
  answer = () => ({});
  const request = async (server: string, one: FederationRequest) => {
    sent.push({ server, request: one });
    return answer(server);
  };
  remoteKeys = new RemoteKeys({ request }, clock);
});

type Wanted<T> = Record<string, Record<string, T>>;

/** Returns wanted values by server and user id. */
function byServer<T, U>(wanted: Wanted<T>, make: (value: T) => U): ReadonlyMap<string, ReadonlyMap<string, U>> {
  const users = (one: Record<string, T>) => new Map(Object.entries(one).map(([id, value]) => [id, make(value)]));
  return new Map(Object.entries(wanted).map(([server, one]) => [server, users(one)]));
}

async function query(wanted: Wanted<readonly string[]> = { [SERVER]: { [BOB]: [] } }, timeoutMs?: number) {
  const { devices, masters, selfSigning, userSigning, failures } = await remoteKeys.query(
    byServer(wanted, (ids) => ids),
    timeoutMs,
  );
  expect(userSigning).toBe('');
  return { devices: parsed(devices), masters: parsed(masters), selfSigning: parsed(selfSigning), failures };
}

async function claim(devices: Record<string, string> = { [DEVICE]: ALGORITHM }, timeoutMs?: number) {
  const wanted = byServer({ [SERVER]: { [BOB]: devices } }, (one) => new Map(Object.entries(one)));
  const { keys, failures } = await remoteKeys.claim(wanted, timeoutMs);
  return { keys: parsed(keys), failures };
}

const parsed = (members: string) => JSON.parse(`{${members}}`) as JsonObject;
const never = () => new Promise<JsonObject>(() => {});

describe('a query for keys of users of other servers', () => {
  const phone = new DeviceMaker(BOB, DEVICE);

  test('sends one request to each server and returns all valid keys', async () => {
    const crossSigning = new CrossSigningMaker(BOB).upload();
    const keys = phone.keys({ extra: 'kept' });
    const named = { ...keys, unsigned: { device_display_name: 'Phone' } };
    answer = (server) =>
      server === SERVER
        ? {
            device_keys: { [BOB]: { [DEVICE]: named } },
            master_keys: { [BOB]: crossSigning.master_key },
            self_signing_keys: { [BOB]: crossSigning.self_signing_key },
            user_signing_keys: { [BOB]: crossSigning.user_signing_key },
          }
        : { device_keys: {} };
    const wanted = { [SERVER]: { [BOB]: [], [CAROL]: ['A'] }, 'other.example': { '@x:other.example': [] } };
    expect(await query(wanted)).toEqual({
      devices: { [BOB]: { [DEVICE]: named } },
      masters: { [BOB]: crossSigning.master_key },
      selfSigning: { [BOB]: crossSigning.self_signing_key },
      failures: {},
    });
    expect(sent).toMatchObject([
      {
        server: SERVER,
        request: {
          method: 'POST',
          path: '/_matrix/federation/v1/user/keys/query',
          content: { device_keys: { [BOB]: [], [CAROL]: ['A'] } },
        },
      },
      { server: 'other.example', request: { content: { device_keys: { '@x:other.example': [] } } } },
    ]);
  });

  const good = phone.keys();
  const hostile: [string, JsonObject][] = [
    ['of a user that nobody asked for', { [CAROL]: { [DEVICE]: new DeviceMaker(CAROL, DEVICE).keys() } }],
    [
      'of a user of another server',
      { '@alice:here.example': { X: new DeviceMaker('@alice:here.example', 'X').keys() } },
    ],
    ['with the user id of another user', { [BOB]: { [DEVICE]: new DeviceMaker(CAROL, DEVICE).keys() } }],
    ['with the id of another device', { [BOB]: { OTHER: good } }],
    ['without a signing key', { [BOB]: { [DEVICE]: { ...good, keys: { 'curve25519:PHONE': curveKey() } } } }],
    ['without algorithms', { [BOB]: { [DEVICE]: { ...good, algorithms: 'all' } } }],
    ['that are too long', { [BOB]: { [DEVICE]: { ...good, more: 'x'.repeat(20_000) } } }],
    ['that are no objects', { [BOB]: { [DEVICE]: 'keys', A: null, B: [] } }],
    ['that are inherited members', JSON.parse(`{"__proto__":{"${BOB}":{}}}`) as JsonObject],
  ];
  test.each(hostile)('leaves out keys of devices %s', async (_, devices) => {
    answer = () => ({ device_keys: devices });
    const { devices: found, failures } = await query();
    expect([found, failures]).toEqual([devices[BOB] === undefined ? {} : { [BOB]: {} }, {}]);
  });

  test('passes on keys of devices that only others have signed, without these signatures', async () => {
    answer = () => ({ device_keys: { [BOB]: { [DEVICE]: { ...good, signatures: { [CAROL]: { a: 'b' } } } } } });
    expect((await query()).devices).toEqual({ [BOB]: { [DEVICE]: { ...good, signatures: {} } } });
  });

  test('shortens names of devices that are too long', async () => {
    answer = () => ({
      device_keys: { [BOB]: { [DEVICE]: { ...good, unsigned: { device_display_name: 'x'.repeat(20_000) } } } },
    });
    const { devices } = await query();
    expect(JSON.stringify(devices).match(/x{9,}/)?.[0]).toHaveLength(256);
  });

  test('leaves out devices that the query does not name', async () => {
    answer = () => ({ device_keys: { [BOB]: { [DEVICE]: good, TWO: new DeviceMaker(BOB, 'TWO').keys() } } });
    expect((await query({ [SERVER]: { [BOB]: ['TWO', 'THREE'] } })).devices).toMatchObject({
      [BOB]: { TWO: { device_id: 'TWO' } },
    });
  });

  test('leaves out signatures of others and unknown unsigned members', async () => {
    const signatures = { ...(good.signatures as JsonObject), '@alice:here.example': { 'ed25519:X': 'forged' } };
    answer = () => ({ device_keys: { [BOB]: { [DEVICE]: { ...good, signatures, unsigned: { age: 1 } } } } });
    expect((await query()).devices).toEqual({ [BOB]: { [DEVICE]: good } });
  });

  const { master_key: master, self_signing_key: selfSigning } = new CrossSigningMaker(BOB).upload();
  const others = new CrossSigningMaker(CAROL).upload();
  const malformed: [string, JsonValue, JsonValue][] = [
    ['of another user', others.master_key, others.self_signing_key],
    ['with another usage', selfSigning, master],
    ['with more than one key', { ...master, keys: { a: 'b', c: 'd' } }, { ...selfSigning, keys: {} }],
    ['that are no objects', 'key', null],
    ['that are too long', { ...master, more: 'x'.repeat(20_000) }, { ...selfSigning, more: 'x'.repeat(20_000) }],
  ];
  test.each(malformed)('leaves out cross-signing keys %s', async (_, oneMaster, oneSelfSigning) => {
    answer = () => ({
      device_keys: { [BOB]: {} },
      master_keys: { [BOB]: oneMaster },
      self_signing_keys: { [BOB]: oneSelfSigning },
    });
    expect(await query()).toEqual({ devices: { [BOB]: {} }, masters: {}, selfSigning: {}, failures: {} });
  });

  test.each<JsonObject>([{}, { device_keys: [] }, { device_keys: null }])(
    'reports the failure of a server that answers %j',
    async (given) => {
      answer = () => given;
      expect((await query()).failures).toMatchObject({ [SERVER]: { errcode: 'M_UNKNOWN' } });
    },
  );

  test.each([
    [new FederationError('refused', 'secret', { status: 401, errcode: 'M_UNKNOWN_TOKEN' }), 'M_UNKNOWN'],
    [new FederationError('over-limit', 'secret'), 'M_UNKNOWN'],
    [new FederationError('backing-off', 'secret'), 'M_UNKNOWN'],
    [new FederationError('not-permitted', 'secret'), 'M_FORBIDDEN'],
  ])('reports failures without the texts of the other server: %s', async (error, errcode) => {
    answer = () => {
      throw error;
    };
    for (const { failures } of [await query(), await claim()]) {
      expect(failures).toMatchObject({ [SERVER]: { errcode } });
      expect(JSON.stringify(failures)).not.toMatch(/secret|TOKEN/);
    }
  });

  test('fails if the program has a fault', async () => {
    answer = () => {
      throw new TypeError('a fault');
    };
    await expect(query()).rejects.toThrow('a fault');
  });

  test('reports the servers that have not answered when the time is over, with the keys of the others', async () => {
    answer = (server) => (server === SERVER ? { device_keys: { [BOB]: { [DEVICE]: good } } } : never());
    const asked = query({ [SERVER]: { [BOB]: [] }, 'slow.example': { '@x:slow.example': [] } }, 2_000);
    // The first server answers before the time is over.
    await clock.pass(1_000);
    await clock.pass(1_000);
    expect(await asked).toMatchObject({
      devices: { [BOB]: { [DEVICE]: good } },
      failures: { 'slow.example': { errcode: 'M_UNKNOWN', error: 'slow.example does not answer' } },
    });
  });

  test('gives a server ten seconds at least, so that a short timeout is no failure of the server', async () => {
    answer = never;
    const asked = [query(undefined, 0), query(undefined, -5), query({ [SERVER]: { [CAROL]: [] } }, 1e300)];
    await clock.pass(30_000);
    for (const { failures } of await Promise.all(asked)) expect(Object.keys(failures)).toEqual([SERVER]);
    expect(sent.map(({ request }) => request.timeoutMs)).toEqual([10_000, 30_000]);
  });

  test('sends one request for equal queries at the same time', async () => {
    answer = () => ({ device_keys: { [BOB]: { [DEVICE]: good } } });
    const answers = await Promise.all([query(), query(), query()]);
    expect(sent).toHaveLength(1);
    expect(answers.map(({ devices }) => devices)).toEqual(answers.map(() => ({ [BOB]: { [DEVICE]: good } })));
    await query();
    expect(sent).toHaveLength(2);
  });

  test('asks a limited number of servers and accepts answers of a limited length', async () => {
    answer = () => ({ device_keys: {} });
    const names = Array.from({ length: 600 }, (_, i) => `s${i}.example`);
    const { failures } = await query(Object.fromEntries(names.map((name) => [name, { [`@x:${name}`]: [] }])));
    expect([sent.length, Object.keys(failures).length]).toEqual([500, 100]);
    expect(sent[0]?.request.answerBytesMax).toBe(1024 * 1024);
    await query({ [SERVER]: Object.fromEntries(names.map((name) => [`@${name}:${SERVER}`, []])) });
    expect(sent.at(-1)?.request.answerBytesMax).toBe(8 * 1024 * 1024);
  });

  test('leaves out answers that are too long together', async () => {
    const more = 'x'.repeat(15_000);
    answer = (server) => {
      const ids = Array.from({ length: 400 }, (_, i) => `D${i}`);
      const userId = `@x:${server}`;
      return {
        device_keys: {
          [userId]: Object.fromEntries(ids.map((id) => [id, new DeviceMaker(userId, id).keys({ more })])),
        },
      };
    };
    const names = Array.from({ length: 7 }, (_, i) => `s${i}.example`);
    const { devices, failures } = await query(Object.fromEntries(names.map((name) => [name, { [`@x:${name}`]: [] }])));
    expect([Object.keys(devices).length, Object.keys(failures).length]).toEqual([5, 2]);
  });
});

describe('a claim of keys of users of other servers', () => {
  const key = new DeviceMaker(BOB, DEVICE).oneTime('A');

  test('sends one request to each server and returns the keys', async () => {
    answer = () => ({ one_time_keys: { [BOB]: { [DEVICE]: key } }, failures: { secret: {} } });
    expect(await claim()).toEqual({ keys: { [BOB]: { [DEVICE]: key } }, failures: {} });
    expect(sent.map(({ request }) => [request.path, request.content])).toEqual([
      ['/_matrix/federation/v1/user/keys/claim', { one_time_keys: { [BOB]: { [DEVICE]: ALGORITHM } } }],
    ]);
  });

  const hostile: [string, JsonObject][] = [
    ['of a user that nobody asked for', { [CAROL]: { [DEVICE]: key } }],
    ['of a device that nobody asked for', { [BOB]: { OTHER: key } }],
    ['of another algorithm', { [BOB]: { [DEVICE]: { 'curve25519:A': curveKey() } } }],
    ['with a malformed id', { [BOB]: { [DEVICE]: { [ALGORITHM]: curveKey(), [`${ALGORITHM}:\n`]: curveKey() } } }],
    ['without a key', { [BOB]: { [DEVICE]: { [`${ALGORITHM}:A`]: { signatures: {} }, [`${ALGORITHM}:B`]: null } } }],
    ['that are too long', { [BOB]: { [DEVICE]: { [`${ALGORITHM}:A`]: { key: 'x'.repeat(20_000) } } } }],
    ['that are no objects', { [BOB]: { [DEVICE]: 'key' } }],
    ['without devices', { [BOB]: [] }],
  ];
  test.each(hostile)('leaves out keys %s', async (_, keys) => {
    answer = () => ({ one_time_keys: keys });
    expect(await claim()).toEqual({ keys: {}, failures: {} });
  });

  test('returns one key for each device', async () => {
    answer = () => ({ one_time_keys: { [BOB]: { [DEVICE]: new DeviceMaker(BOB, DEVICE).oneTime('A', 'B') } } });
    const { keys } = await claim();
    expect(Object.keys((keys[BOB] as Record<string, JsonObject>)[DEVICE] ?? {})).toEqual([`${ALGORITHM}:A`]);
  });

  test('is never combined with an equal claim', async () => {
    answer = () => ({ one_time_keys: {} });
    await Promise.all([claim(), claim()]);
    expect(sent).toHaveLength(2);
  });

  test('reports the failure of a server that answers without keys or too late', async () => {
    expect((await claim()).failures).toMatchObject({ [SERVER]: { errcode: 'M_UNKNOWN' } });
    answer = never;
    const late = claim(undefined, 1_000);
    await clock.pass(1_000);
    expect((await late).failures).toMatchObject({ [SERVER]: { errcode: 'M_UNKNOWN' } });
  });
});
