import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import { Fenced } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';

interface KnownRoomsParts {
  readonly names: Names;
  readonly stream: Stream;
  readonly rooms: RoomStore;
  readonly heads: Heads;
}

/** Rows of rooms on other servers, in which no user of this server has been yet. */
export class KnownRooms {
  readonly #parts: KnownRoomsParts;
  readonly #storing = new InFlight<string, Head>();

  constructor(parts: KnownRoomsParts) {
    this.#parts = parts;
  }

  /** Returns the head of a room, and stores a row without events and state if the room is unknown. */
  async headOf(roomId: string, version: RoomVersion): Promise<Head> {
    return (await this.#parts.heads.find(roomId)) ?? this.#storing.run(roomId, () => this.#store(roomId, version));
  }

  async #store(roomId: string, version: RoomVersion): Promise<Head> {
    const { names, stream, rooms, heads } = this.#parts;
    const num = await names.reserve(roomId);
    const existing = await heads.byNum(num);
    if (existing !== undefined) return existing;
    const head = heads.create({ roomId, num, version, isPublished: false, isRemote: true });
    try {
      await stream.commit([rooms.insert(head.row), ...names.inserts(num)], []);
      return head;
    } catch (error) {
      heads.drop(head);
      const stored = error instanceof Fenced ? await heads.byNum(num) : undefined;
      if (stored === undefined) throw error;
      return stored;
    }
  }
}
