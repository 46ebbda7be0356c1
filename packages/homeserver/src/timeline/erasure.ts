import { redactContent } from '@hearth/protocol/events/redact.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import type { Heads } from '../rooms/heads.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { ErasedUsers } from '../users/erased-users.ts';

export interface ErasureDeps {
  readonly erasedUsers: ErasedUsers;
  readonly userRooms: UserRooms;
  readonly heads: Heads;
  readonly events: EventStore;
}

/** The number of membership changes that are read to find out when a reader was in a room. */
const CHANGES_MAX = 200;
const NONE: ReadonlyMap<number, StoredEvent> = new Map();

/** Redacts the events of erased users for readers who were not in the room at the time. */
export class Erasure {
  readonly #parts: ErasureDeps;

  constructor(parts: ErasureDeps) {
    this.#parts = parts;
  }

  /** Returns redacted copies, by number, of those of the events that a reader sees redacted. */
  async copiesFor(reader: number, events: Iterable<StoredEvent>): Promise<ReadonlyMap<number, StoredEvent>> {
    return redactedCopies(this.#parts, reader, events);
  }
}

/**
 * Returns redacted copies, by number, of those of the events that a reader sees redacted: those of erased users, unless
 * the reader was in the room when the event was sent or when its sender was erased (client-server API, "Account
 * deactivation": users who join after the erasure get redacted copies, those who could see the events before still do).
 */
export function redactedCopies(
  deps: ErasureDeps,
  reader: number,
  events: Iterable<StoredEvent>,
): ReadonlyMap<number, StoredEvent> | Promise<ReadonlyMap<number, StoredEvent>> {
  if (deps.erasedUsers.isEmpty) return NONE;
  const erased = [...events].filter(({ senderNum }) => deps.erasedUsers.has(senderNum) && senderNum !== reader);
  return erased.length === 0 ? NONE : copiesOf(deps, reader, erased);
}

async function copiesOf(
  deps: ErasureDeps,
  reader: number,
  events: readonly StoredEvent[],
): Promise<ReadonlyMap<number, StoredEvent>> {
  const copies = new Map<number, StoredEvent>();
  for (const [room, inRoom] of Map.groupBy(events, (event) => event.room)) {
    const head = await deps.heads.byNum(room);
    if (head === undefined) continue;
    const wasJoinedAt = await presence(deps, reader, room);
    for (const event of inRoom) {
      const erasedAt = deps.erasedUsers.positionOf(event.senderNum) ?? 0;
      if (wasJoinedAt(event.num) || wasJoinedAt(erasedAt)) continue;
      copies.set(event.num, redactedCopy(event, head.version, event.redactedBy));
    }
  }
  return copies;
}

/** Returns a copy of an event with a redacted content, for a reader who does not see the content. */
export function redactedCopy(event: StoredEvent, version: RoomVersion, redactedBy: number | null): StoredEvent {
  return new StoredEvent(event, JSON.stringify(redactContent(event.type, event.content, version)), redactedBy);
}

/** Returns a function that tells whether a user was in a room at a position of the stream. */
async function presence(deps: ErasureDeps, user: number, room: number): Promise<(position: number) => boolean> {
  const changes: { readonly num: number; readonly isJoined: boolean }[] = [];
  let num: number | null = (await deps.userRooms.one(user, room))?.event ?? null;
  while (num !== null && changes.length < CHANGES_MAX) {
    const event = await deps.events.one(num);
    if (event === undefined) break;
    changes.push({ num, isJoined: membershipOf(event) === 'join' });
    num = event.replaces;
  }
  return (position) => changes.find((change) => change.num <= position)?.isJoined === true;
}
