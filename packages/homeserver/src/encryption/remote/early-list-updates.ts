import type { Background } from '../../platform/concurrency/background.ts';
import type { SharedRooms } from '../../rooms/membership/shared-rooms.ts';
import { putDeviceListChange } from '../../storage/encryption/device-lists.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';

interface Parts {
  readonly stream: Stream;
  readonly names: Names;
  readonly sharedRooms: SharedRooms;
}

/** The number of users of a room whose updates are remembered. */
const USERS_MAX = 1_000;

/**
 * Remembers whose device lists have changed while it is not known whether they share a room with this server, because the
 * members of a room are not known yet. Clients get these changes when they are (MSC3902). They are in memory: all users of
 * encrypted rooms are announced to clients anyway.
 */
export class EarlyListUpdates {
  readonly #parts: Parts;
  readonly #users = new Map<number, Set<string>>();

  constructor(parts: Parts, background: Background) {
    this.#parts = parts;
    parts.stream.listen((changes) => {
      for (const change of changes)
        if (change.kind === 'whole-state' && this.#users.has(change.room))
          background.start('announcing device lists of members of a joined room', () => this.#announce(change.room));
    });
  }

  /** Remembers that a server has sent an update of a user's list. */
  add(server: string, userId: string): void {
    for (const room of this.#parts.sharedRooms.partialRoomsOf(server)) {
      const users = this.#users.get(room) ?? new Set();
      if (users.size < USERS_MAX) this.#users.set(room, users.add(userId));
    }
  }

  async #announce(room: number): Promise<void> {
    const { stream, names, sharedRooms } = this.#parts;
    const userIds = this.#users.get(room) ?? [];
    this.#users.delete(room);
    const users: number[] = [];
    for (const userId of userIds) {
      const user = await names.find(userId);
      if (user !== undefined && (await sharedRooms.isShared(user))) users.push(user);
    }
    if (users.length === 0) return;
    const changes = users.map((user) => ({ kind: 'device-list', position: stream.next(), user }) as const);
    await stream.commit(
      changes.map(({ user, position }) => putDeviceListChange(user, position)),
      changes,
    );
  }
}
