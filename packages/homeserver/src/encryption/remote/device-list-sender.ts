import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { KeyedTasks } from '../../platform/concurrency/keyed-tasks.ts';
import type { SharedRooms } from '../../rooms/membership/shared-rooms.ts';
import { readDevices } from '../../storage/accounts/devices.ts';
import {
  deleteListChanges,
  type OutgoingListChange,
  putDeviceListStreamId,
  readDeviceListStreamId,
  readListChanges,
  readUsersWithListChanges,
} from '../../storage/encryption/outgoing-device-lists.ts';
import type { Database, Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import { ROWS_PER_CHANGE_MAX, rowNumber } from '../../storage/engine/row-numbers.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { insertOutgoingEdus } from '../../storage/federation/outgoing-edus.ts';
import { loadUserKeys } from '../key-directory.ts';
import { type DeviceState, type ListState, renderUpdates } from './list-updates.ts';

/** The queue of stored EDUs. */
interface StoredEdus {
  /** Sends the stored EDUs for servers. */
  wakeForStored(servers: Iterable<string>): void;
}

interface Parts {
  readonly database: Database;
  readonly stream: Stream;
  readonly names: Names;
  readonly sharedRooms: SharedRooms;
  readonly clock: Clock;
  readonly edus: StoredEdus;
  readonly showsDeviceNames: boolean;
}

/** Changes of a user that are processed together. */
const CHANGES_MAX = 1_000;
const USERS_MAX = 10;
const ERROR_WAIT_MS = 60_000;

/**
 * Sends changes of the keys of this server's users to the servers that share a room with them (server-server API,
 * "Device Management"). A change is queued in the transaction that stores it. The updates of a user refer to each other
 * and are sent in their order.
 */
export class DeviceListSender {
  readonly #parts: Parts;
  readonly #tasks: KeyedTasks<number>;

  constructor(parts: Parts, background: Background) {
    this.#parts = parts;
    const { clock, stream } = parts;
    const limits = { runningMax: USERS_MAX, errorWaitMs: ERROR_WAIT_MS };
    this.#tasks = new KeyedTasks({ clock, background, name: 'sending changes of device lists', ...limits }, (user) =>
      this.#run(user),
    );
    stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind !== 'device-list' || change.onlyFor !== undefined) continue;
        if (parts.sharedRooms.mayBeLocal(change.user)) this.#tasks.wake([change.user]);
      }
    });
  }

  /** Sends changes that were queued before the start of the process. */
  async start(): Promise<void> {
    this.#tasks.wake(await readUsersWithListChanges(this.#parts.database));
  }

  close(): void {
    this.#tasks.close();
  }

  async #run(user: number): Promise<undefined> {
    const { database } = this.#parts;
    while (!this.#tasks.isClosed) {
      const changes = await readListChanges(database, user, CHANGES_MAX);
      const last = changes.at(-1);
      if (last === undefined) return;
      await this.#send(user, changes, last);
    }
  }

  /** Replaces queued changes by EDUs for each server, in one transaction. */
  async #send(user: number, changes: readonly OutgoingListChange[], last: OutgoingListChange): Promise<void> {
    const { database, stream, sharedRooms, edus } = this.#parts;
    const previous = await readDeviceListStreamId(database, user);
    const servers = [...(await sharedRooms.serversOf(user))];
    const { jsons, streamId } = renderUpdates(await this.#stateOf(user), previous, changes);
    const writes: Write[] = [deleteListChanges(user, last.num), putDeviceListStreamId(user, streamId)];
    const serversAtOnce = Math.floor(ROWS_PER_CHANGE_MAX / Math.max(1, jsons.length));
    for (let from = 0; from < servers.length && jsons.length > 0; from += serversAtOnce)
      writes.push(this.#insert(stream.next(), servers.slice(from, from + serversAtOnce), jsons));
    await stream.commit(writes, []);
    edus.wakeForStored(servers);
  }

  #insert(position: number, servers: readonly string[], jsons: readonly string[]): Write {
    const nums = Array.from({ length: servers.length * jsons.length }, (_, i) => rowNumber(position, i));
    const names = jsons.flatMap(() => servers);
    const texts = jsons.flatMap((json) => servers.map(() => json));
    return insertOutgoingEdus(nums, names, texts, this.#parts.clock.now());
  }

  /** Returns the keys and devices of a user as they are now. */
  async #stateOf(user: number): Promise<ListState> {
    const { database, names, showsDeviceNames } = this.#parts;
    const keys = await loadUserKeys(database, user);
    const devices = new Map<string, DeviceState>();
    for (const { device_id, display_name } of await readDevices(database, user))
      devices.set(device_id, { name: showsDeviceNames ? display_name : null, keys: undefined });
    for (const { device_id, json } of keys.devices)
      devices.set(device_id, { name: devices.get(device_id)?.name ?? null, keys: json });
    return { userId: await names.text(user), keys, devices };
  }
}
