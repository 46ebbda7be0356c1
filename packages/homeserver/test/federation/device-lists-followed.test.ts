import { asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeviceListReader } from '../../src/encryption/device-list.ts';
import { loadUserKeys } from '../../src/encryption/key-directory.ts';
import { DeviceListSender } from '../../src/encryption/remote/device-list-sender.ts';
import { EarlyListUpdates } from '../../src/encryption/remote/early-list-updates.ts';
import { ListFetcher } from '../../src/encryption/remote/list-fetcher.ts';
import {
  crossSigningEffect,
  deviceUpdateEffect,
  ReceivedListUpdates,
} from '../../src/encryption/remote/received-list-updates.ts';
import { RemoteDeviceLists } from '../../src/encryption/remote/remote-device-lists.ts';
import type { UserKeys } from '../../src/encryption/user-keys.ts';
import { Destinations } from '../../src/federation/client/destinations.ts';
import { userDevicesRoutes } from '../../src/federation-api/user/devices.ts';
import { Serial } from '../../src/platform/concurrency/serial.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { sql } from '../../src/storage/engine/database.ts';
import { logIn } from '../encryption/people.ts';
import { engines } from '../storage/engines.ts';
import { CrossSigningMaker } from '../support/key-maker.ts';
import type { Person } from '../support/world.ts';
import { openSharedWorld, type SharedWorld } from './support/shared-world.ts';

const SENDER = 'elsewhere.test';
const RECEIVER = 'test.local';
const ALL = sql('SELECT num, server, json FROM outgoing_edus ORDER BY num');

const [SQLITE] = engines;
if (SQLITE === undefined) throw new Error('there is no engine');

/** A change of the keys of a user, or of the network between two servers. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('upload' as const), device: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('logout' as const), device: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), device: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'cross-signing' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('deliver' as const), number: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'lose' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'repeat' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'query' as const }) },
);

describe('a server that follows the device list of a user of another server', () => {
  let home: SharedWorld;
  let away: SharedWorld;
  let lists: RemoteDeviceLists;
  let fetcher: ListFetcher;
  const handlers = new Map<string, ReceivedListUpdates>();
  let count = 0;
  beforeAll(async () => {
    [home, away] = [await openSharedWorld(SQLITE, SENDER), await openSharedWorld(SQLITE, RECEIVER)];
    home.deviceListChanges.sendToServers();
    const edus = { wakeForStored: () => undefined };
    new DeviceListSender({ ...home, edus, showsDeviceNames: true }, home.background);
    const reader = new DeviceListReader(home.database, home.users.accounts, SENDER);
    const [devices] = userDevicesRoutes(reader, true);
    const client = {
      request: async (_server: string, { path }: { readonly path: string }) => {
        const userId = decodeURIComponent(path.split('/').at(-1) ?? '');
        const reply = await devices?.handle({ params: { userId } } as never);
        return JSON.parse((reply as unknown as { text: string }).text) as JsonObject;
      },
    };
    const destinations = new Destinations(away.clock, away.random, { minMs: 1, maxMs: 1 }, silentLog);
    const serial = new Serial<number>();
    away.keyDirectory.includeRemote();
    lists = new RemoteDeviceLists({ ...away, serial });
    fetcher = new ListFetcher({ ...away, client, destinations, lists, serial }, away.background);
    const early = new EarlyListUpdates(away, away.background);
    handlers.set('m.device_list_update', new ReceivedListUpdates({ ...away, lists, early }, deviceUpdateEffect));
    handlers.set('m.signing_key_update', new ReceivedListUpdates({ ...away, lists, early }, crossSigningEffect));
  });
  afterAll(async () => {
    expect([...home.faults, ...away.faults]).toEqual([]);
    await home.end();
    await away.end();
  });

  const keysOf = (keys: UserKeys) => ({
    devices: new Map(
      Array.from(keys.devices, ({ device_id, display_name, json }) => [device_id, [display_name, json]]),
    ),
    master: keys.crossSigningText('master'),
    selfSigning: keys.crossSigningText('self_signing'),
  });

  test('has the same keys in the end, whatever transactions are lost or repeated before the last one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        count += 1;
        const { userId, user } = await home.users.accounts.create(`@alice${count}:${SENDER}`, { isGuest: false });
        const alice: Person = { userId, user, device: count, isGuest: false };
        // The first user of this room is of the other server.
        const room = await home.room(await home.person());
        await home.joining.join(room, alice);
        const bob = await away.person();
        const shared = await away.room(bob);
        const twin = await away.stranger(alice.userId);
        await away.joining.join(shared, twin);
        const present = new Map<number, Awaited<ReturnType<typeof logIn>>>();
        let seen = (await home.database.all<{ json: string }>(ALL)).length;
        let waiting: JsonObject[] = [];
        /** The last transaction that has arrived. */
        let latest: JsonObject[] = [];
        const collect = async () => {
          await expect.poll(() => home.database.all(sql('SELECT num FROM device_list_outbox'))).toEqual([]);
          const rows = await home.database.all<{ json: string }>(ALL);
          waiting.push(...rows.slice(seen).map(({ json }) => JSON.parse(json) as JsonObject));
          seen = rows.length;
        };
        const deliver = async (edu: JsonObject) =>
          handlers.get(asString(edu.edu_type) ?? '')?.handle(SENDER, asObject(edu.content) ?? {});
        const upload = async (device: number) => {
          const known = present.get(device) ?? (await logIn(home, alice, `D${device}`));
          present.set(device, known);
          await home.keyUpload.upload(known, { deviceKeys: known.maker.keys({ n: seen }) });
        };
        for (const one of steps) {
          if (one.kind === 'upload') await upload(one.device);
          else if (one.kind === 'logout') {
            const known = present.get(one.device);
            present.delete(one.device);
            if (known !== undefined) await home.users.sessions.logout(alice.user, [known.device]);
          } else if (one.kind === 'rename') {
            if (present.has(one.device)) await home.users.devices.rename(alice.user, `D${one.device}`, `name ${seen}`);
          } else if (one.kind === 'cross-signing') {
            const made = new CrossSigningMaker(alice.userId).upload();
            const { master_key: master, self_signing_key: self_signing } = made;
            await home.crossSigning.upload(alice, { master, self_signing }, true);
          } else if (one.kind === 'query') {
            await lists.makeStale([twin.user]);
            await fetcher.fetch(twin.user);
          } else if (one.kind === 'lose') waiting = [];
          else if (one.kind === 'repeat') for (const edu of latest) await deliver(edu);
          else {
            latest = waiting.splice(0, one.number);
            for (const edu of latest) await deliver(edu);
          }
          await collect();
        }
        await upload(0);
        await collect();
        for (const edu of waiting) await deliver(edu);
        if ((await lists.one(twin.user)) === undefined) await lists.makeStale([twin.user]);
        await expect.poll(async () => (await lists.one(twin.user))?.stale_ts, { timeout: 5_000 }).toBe(null);
        const here = await loadUserKeys(home.database, alice.user);
        expect(keysOf(await away.keyDirectory.one(twin.user))).toEqual(keysOf(here));
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});
