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
  /** The position of the client's token; `undefined` for a client without a token. */
  readonly since: number | undefined;
  /**
   * Changes in the range, including all that concern the user; `undefined` if the change log does not cover the range.
   */
  readonly changes: readonly Change[] | undefined;
}

/** Finds the part of the stream that an answer covers. */
export class StreamReader {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the current end of the stream. */
  get current(): number {
    return this.#parts.stream.current;
  }

  /**
   * Returns the position of a token. A position after the end of the stream, as after a restored backup, becomes the
   * end.
   */
  clamp(position: number | undefined): number | undefined {
    return position === undefined ? undefined : Math.min(position, this.current);
  }

  /**
   * Returns the current read point of a user. The memberships must not be later than the end of the answer. Otherwise,
   * a later departure would hide earlier events, and a later join would show the room twice.
   */
  async point(user: number): Promise<ReadPoint> {
    const { userRooms, stream } = this.#parts;
    for (;;) {
      const rows = userRooms.cached(user);
      const upTo = stream.current;
      if (rows === undefined) await userRooms.of(user);
      else if (!isAhead(rows, upTo)) return { rows, upTo };
      // The memberships are newer than the end of the stream. An empty commit completes after they are announced.
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
  for (const { position } of rows.values()) if (position > upTo) return true;
  return false;
}
