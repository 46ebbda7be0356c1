import { redactContent } from '@hearth/protocol/events/redact.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { MembershipChange, MembershipHistory } from '../../rooms/membership/membership-history.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { ErasedUsers } from '../../users/erased-users.ts';

interface Parts {
  readonly erasedUsers: ErasedUsers;
  readonly userRooms: UserRooms;
  readonly heads: Heads;
  readonly membershipHistory: MembershipHistory;
}

/** The maximum number of membership changes that are read to determine when a reader was in a room. */
const CHANGES_MAX = 200;
const NONE: ReadonlyMap<number, StoredEvent> = new Map();

/**
 * Redacts the events of erased users for readers who were not in the room when the event was sent or when its sender
 * was erased. Readers who could see the events before the erasure still see them (client-server API, "Account
 * deactivation").
 */
export class Erasure {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns whether the sender of an event is erased, so that some readers get a redacted copy. */
  concerns({ senderNum }: StoredEvent): boolean {
    return this.#parts.erasedUsers.has(senderNum);
  }

  /** Returns the redacted copies of the events that are erased for a reader, by number. */
  copiesFor(reader: number, events: Iterable<StoredEvent>): Promise<ReadonlyMap<number, StoredEvent>> {
    return complete((lookups) => this.copies(lookups, reader, events));
  }

  /** Returns the same as {@link copiesFor}. */
  copies(lookups: Lookups, reader: number, events: Iterable<StoredEvent>): ReadonlyMap<number, StoredEvent> {
    const { erasedUsers, heads } = this.#parts;
    if (erasedUsers.isEmpty) return NONE;
    const erased = [...events].filter((event) => this.concerns(event) && event.senderNum !== reader);
    if (erased.length === 0) return NONE;
    const copies = new Map<number, StoredEvent>();
    lookups.each(
      Map.groupBy(erased, ({ room }) => room),
      ([room, inRoom]) => {
        const head = lookups.get(heads.source, room);
        if (head === undefined) return;
        const wasJoinedAt = this.#presence(lookups, reader, room);
        for (const event of inRoom) {
          const erasedAt = erasedUsers.positionOf(event.senderNum) ?? 0;
          if (wasJoinedAt(event.num) || wasJoinedAt(erasedAt)) continue;
          copies.set(event.num, redactedCopy(event, head.version, event.redactedBy));
        }
      },
    );
    return copies;
  }

  /** Returns a function that returns whether a user was in a room at a position of the stream. */
  #presence(lookups: Lookups, user: number, room: number): (position: number) => boolean {
    const row = lookups.get(this.#parts.userRooms.source, user).get(room);
    const changes: MembershipChange[] = [];
    for (const change of row === undefined ? [] : this.#parts.membershipHistory.back(lookups, row)) {
      changes.push(change);
      if (changes.length === CHANGES_MAX) break;
    }
    return (position) => changes.find((change) => change.position <= position)?.membership === 'join';
  }
}

/** Returns a copy of an event with redacted content. */
export function redactedCopy(event: StoredEvent, version: RoomVersion, redactedBy: number | null): StoredEvent {
  return new StoredEvent(event, JSON.stringify(redactContent(event.type, event.content, version)), redactedBy);
}
