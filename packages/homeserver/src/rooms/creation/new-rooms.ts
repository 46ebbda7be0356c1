import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import type { PduDraft } from '@hearth/protocol/events/event.ts';
import { contentHashBytes, eventId } from '@hearth/protocol/events/hash.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Names } from '../../storage/engine/names.ts';
import { canonically } from '../events/build.ts';
import type { EventDraft } from '../events/draft.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';

/** A room that is about to be created. */
export interface OpenedRoom {
  readonly head: Head;
  readonly create: EventDraft;
}

/** Heads and create events of new rooms. */
export class NewRooms {
  readonly #names: Names;
  readonly #clock: Clock;
  readonly #heads: Heads;
  readonly #opaqueRoomId: () => string;

  /** @param opaqueRoomId creates a room id for versions up to 11 */
  constructor(names: Names, clock: Clock, heads: Heads, opaqueRoomId: () => string) {
    this.#names = names;
    this.#clock = clock;
    this.#heads = heads;
    this.#opaqueRoomId = opaqueRoomId;
  }

  /**
   * Prepares the head and the create event of a new room. From version 12 on the room id is the hash of that event. If
   * a room with that id exists, because an equal room was created in the same millisecond, the event gets the next
   * millisecond.
   */
  async open(
    version: RoomVersion,
    { creator, content, isPublished }: { creator: string; content: JsonObject; isPublished: boolean },
  ): Promise<OpenedRoom> {
    for (let ts = this.#clock.now(); ; ts += 1) {
      const create: EventDraft = { type: 'm.room.create', stateKey: '', sender: creator, content, ts };
      const roomId = version.createRoomIdHash
        ? canonically(() => hashRoomId(create, ts, version))
        : this.#opaqueRoomId();
      const num = await this.#names.reserve(roomId);
      const existing = await this.#heads.byNum(num);
      // Another request may have taken the id during the query.
      if (existing !== undefined || this.#heads.cached(num) !== undefined) continue;
      return { head: this.#heads.create({ roomId, num, version, isPublished }), create };
    }
  }

  /** Removes the head of a room whose first events were not accepted. */
  discard({ head }: OpenedRoom): void {
    this.#heads.drop(head);
  }
}

/** Returns the room id for a create event: its event id with another sigil, from room version 12 on (rooms/v12). */
function hashRoomId({ sender, content, type, stateKey }: EventDraft, ts: number, version: RoomVersion): string {
  const draft: PduDraft & JsonObject = {
    sender,
    type,
    state_key: stateKey ?? '',
    content,
    depth: 1,
    prev_events: [],
    auth_events: [],
    origin_server_ts: ts,
  };
  const hashed = { ...draft, hashes: { sha256: encodeBase64(contentHashBytes(draft, version)) } };
  return `!${eventId(hashed, version).slice(1)}`;
}
