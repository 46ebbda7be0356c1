import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { membershipOf } from '../../rooms/events/effects.ts';
import type { SharedRooms } from '../../rooms/membership/shared-rooms.ts';
import { readDevices } from '../../storage/accounts/devices.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { DeviceListChanges } from '../device-list-change.ts';

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
        if (change.kind !== 'event') continue;
        const event = parts.events.cached(change.event);
        if (event === undefined || !this.#isOwnJoin(event)) continue;
        background.start('sending the device list of a user who has joined a room', () => this.#joined(event));
      }
    });
  }

  #isOwnJoin(event: StoredEvent): boolean {
    if (event.type !== 'm.room.member' || membershipOf(event) !== 'join') return false;
    return domainOf(event.stateKey ?? '') === this.#parts.serverName;
  }

  async #joined({ room, stateKeyNum: user, replaces }: StoredEvent): Promise<void> {
    const { database, stream, events, sharedRooms, deviceListChanges } = this.#parts;
    const before = replaces === null ? undefined : await events.one(replaces);
    if (user === null || (before !== undefined && membershipOf(before) === 'join')) return;
    const servers = await sharedRooms.serversIn(room);
    if (servers.length === 0) return;
    const known = await sharedRooms.serversOf(user, room);
    if (servers.every((server) => known.has(server))) return;
    const devices = (await readDevices(database, user)).map(({ num }) => num);
    if (devices.length === 0) return;
    const listed = deviceListChanges.of(user, stream.next(), [{ devices }]);
    await stream.commit(listed.writes, [listed.change]);
  }
}
