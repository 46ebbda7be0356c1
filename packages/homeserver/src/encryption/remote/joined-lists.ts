import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { membershipOf } from '../../rooms/events/effects.ts';
import type { SharedRooms } from '../../rooms/membership/shared-rooms.ts';
import { readDevices } from '../../storage/accounts/devices.ts';
import { readDeviceListChanges } from '../../storage/encryption/device-lists.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { type DeviceListChanges, ownKeyChange } from '../device-list-change.ts';
import { loadUserKeys } from '../key-directory.ts';

interface Parts {
  readonly database: Database;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly sharedRooms: SharedRooms;
  readonly deviceListChanges: DeviceListChanges;
  readonly serverName: string;
}

/**
 * Sends the device list of a user of this server who joins a room with servers that do not share a room with the user
 * yet (server-server API, "Device Management").
 */
export class JoinedLists {
  readonly #parts: Parts;

  constructor(parts: Parts, background: Background) {
    this.#parts = parts;
    parts.stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind === 'whole-state')
          background.start('sending the device lists of users who have joined a room', () =>
            this.#completed(change.room),
          );
        if (change.kind !== 'event') continue;
        const event = parts.events.cached(change.event);
        if (event === undefined || !this.#isOwnJoin(event)) continue;
        background.start('sending the device list of a user who has joined a room', () => this.#joined(event));
      }
    });
  }

  /**
   * Sends the device lists of users of this server in a room that have changed after a position, because some servers in the
   * room were not known and have missed the changes.
   */
  async sendMissed(room: number, since: number): Promise<void> {
    const { database, stream, sharedRooms } = this.#parts;
    const members = await sharedRooms.membersOf(room);
    for (const user of await readDeviceListChanges(database, since, stream.current))
      if (members.has(user) && sharedRooms.mayBeLocal(user)) await this.#send(user);
  }

  #isOwnJoin(event: StoredEvent): boolean {
    if (event.type !== 'm.room.member' || membershipOf(event) !== 'join') return false;
    return domainOf(event.stateKey ?? '') === this.#parts.serverName;
  }

  async #joined({ room, stateKeyNum: user, replaces }: StoredEvent): Promise<void> {
    const { stream, events, sharedRooms } = this.#parts;
    const before = replaces === null ? undefined : await events.one(replaces);
    if (user === null || (before !== undefined && membershipOf(before) === 'join')) return;
    if (sharedRooms.isPartial(room)) {
      // Which servers get the list already is known when the whole state of the room is. The user's other devices are told now.
      const { writes, change } = ownKeyChange(user, stream.next());
      await stream.commit(writes, [change]);
    } else if (await this.#isNewTo(user, room)) await this.#send(user);
  }

  /** Sends the lists that have keys when the whole state of a room has become known. */
  async #completed(room: number): Promise<void> {
    const { database, sharedRooms } = this.#parts;
    const local = [...(await sharedRooms.membersOf(room))].filter((user) => sharedRooms.mayBeLocal(user));
    for (const user of local) {
      const hasKeys = [...(await loadUserKeys(database, user)).devices].length > 0;
      if (hasKeys && (await this.#isNewTo(user, room))) await this.#send(user);
    }
  }

  /** Returns whether a room has servers that share no other room with a user. */
  async #isNewTo(user: number, room: number): Promise<boolean> {
    const { sharedRooms } = this.#parts;
    const servers = await sharedRooms.serversIn(room);
    if (servers.length === 0) return false;
    const known = await sharedRooms.serversOf(user, room);
    return !servers.every((server) => known.has(server));
  }

  async #send(user: number): Promise<void> {
    const { database, stream, deviceListChanges } = this.#parts;
    const devices = (await readDevices(database, user)).map(({ num }) => num);
    if (devices.length === 0) return;
    const listed = deviceListChanges.of(user, stream.next(), [{ devices }]);
    await stream.commit(listed.writes, [listed.change]);
  }
}
