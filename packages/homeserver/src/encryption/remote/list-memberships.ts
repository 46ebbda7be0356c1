import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { inSlices } from '../../platform/concurrency/in-slices.ts';
import { membershipOf } from '../../rooms/events/effects.ts';
import type { SharedRooms } from '../../rooms/membership/shared-rooms.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RemoteDeviceLists } from './remote-device-lists.ts';

interface Parts {
  readonly stream: Stream;
  readonly events: EventStore;
  readonly sharedRooms: SharedRooms;
  readonly lists: RemoteDeviceLists;
  readonly serverName: string;
}

const USERS_AT_ONCE = 500;

/**
 * Deletes the device lists of users who share no room with this server any more, because their servers send no more
 * updates. A list of a user who comes back before it was deleted is fetched again.
 */
export class ListMemberships {
  readonly #parts: Parts;

  constructor(parts: Parts, background: Background) {
    this.#parts = parts;
    const { stream, events } = parts;
    stream.listen((changes) => {
      for (const change of changes) {
        const event = change.kind === 'event' ? events.cached(change.event) : undefined;
        if (event?.type === 'm.room.member')
          background.start('following device lists in rooms', () => this.#changed(event));
      }
    });
  }

  /** Deletes all lists of users with whom no room is shared: those that a killed process has left. */
  async expire(): Promise<void> {
    const { lists } = this.#parts;
    for (let after = 0; ; ) {
      const users = await lists.owners(after, USERS_AT_ONCE);
      await this.#forgetUnshared(users);
      const last = users.at(-1);
      if (last === undefined) return;
      after = last;
    }
  }

  async #changed(event: StoredEvent): Promise<void> {
    const { serverName } = this.#parts;
    const user = event.stateKeyNum;
    if (user === null) return;
    const isOwn = domainOf(event.stateKey ?? '') === serverName;
    if (membershipOf(event) === 'join') return isOwn ? undefined : this.#joined(user, event.room);
    return isOwn ? this.#ownLeft(event.room) : this.left([user]);
  }

  async #joined(user: number, room: number): Promise<void> {
    const { lists, sharedRooms } = this.#parts;
    const list = await lists.one(user);
    if (list === undefined || list.stale_ts !== null || (await sharedRooms.isShared(user, room))) return;
    await lists.makeStale([user]);
  }

  async #ownLeft(room: number): Promise<void> {
    const { sharedRooms } = this.#parts;
    if (!(await sharedRooms.isLocal(room))) await this.left([...(await sharedRooms.membersOf(room))]);
  }

  /** Deletes the lists of users who have left a room, or turn out not to be in it, and share no other. */
  async left(users: readonly number[]): Promise<void> {
    const { lists } = this.#parts;
    await inSlices(users, USERS_AT_ONCE, async (some) => {
      await this.#forgetUnshared((await lists.of(some)).map(({ user_num }) => user_num));
      return [];
    });
  }

  async #forgetUnshared(users: readonly number[]): Promise<void> {
    const { lists, sharedRooms } = this.#parts;
    const unshared: number[] = [];
    for (const user of users) if (!(await sharedRooms.isShared(user))) unshared.push(user);
    await lists.forget(unshared);
  }
}
