import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { ChangeLog } from '../changes/change-log.ts';

interface Parts {
  readonly stream: Stream;
  readonly userRooms: UserRooms;
  readonly changeLog: ChangeLog;
}

/** A user's memberships by room. */
export type Rows = ReadonlyMap<number, MembershipRow>;

/** The end of the stream, and a user's memberships there. */
export interface ReadPoint {
  readonly rows: Rows;
  readonly upTo: number;
}

/** The part of the stream that an answer covers: from the position of the client's token to a read point. */
export interface SyncRange extends ReadPoint {
  /** `undefined` for a client that has nothing yet. */
  readonly since: number | undefined;
  /** The changes in the range, among them all that concern the user; `undefined` if they are not in memory. */
  readonly changes: readonly Change[] | undefined;
}

/** Finds the part of the stream that an answer covers. */
export class StreamReader {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The end of the stream. */
  get current(): number {
    return this.#parts.stream.current;
  }

  /** Returns the position of a token. A token from the future, as after a restored backup, stands for now. */
  clamp(position: number | undefined): number | undefined {
    return position === undefined ? undefined : Math.min(position, this.current);
  }

  /**
   * Returns the current read point of a user. Its two parts belong together: a membership that is later than the end of
   * the answer would hide what happened before it, or show the room twice.
   */
  async point(user: number): Promise<ReadPoint> {
    const { userRooms, stream } = this.#parts;
    for (;;) {
      const rows = userRooms.cached(user);
      const upTo = stream.current;
      if (rows === undefined) await userRooms.of(user);
      else if (!isAhead(rows, upTo)) return { rows, upTo };
      // The memberships were read before they were announced. An empty commit is done when they are.
      else await stream.commit([], []);
    }
  }

  /** Returns the range from a position to a read point. */
  range(user: number, since: number | undefined, { rows, upTo }: ReadPoint): SyncRange {
    const later = since === undefined ? undefined : this.#parts.changeLog.concerning(user, rows, since);
    const isBeyond = (later?.at(-1)?.position ?? 0) > upTo;
    return { since, upTo, rows, changes: isBeyond ? later?.filter(({ position }) => position <= upTo) : later };
  }
}

function isAhead(rows: Rows, upTo: number): boolean {
  for (const { event } of rows.values()) if (event > upTo) return true;
  return false;
}
