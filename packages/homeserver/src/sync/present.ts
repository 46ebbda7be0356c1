import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';

/** How far the stream is, and a user's memberships there. */
export interface Present {
  readonly rows: ReadonlyMap<number, MembershipRow>;
  readonly upTo: number;
}

interface PresentDeps {
  readonly stream: Stream;
  readonly userRooms: UserRooms;
}

/**
 * The present of a user; a promise only if something has to be waited for. The two parts belong together: a membership
 * that is further than the answer would hide what happened before it, or show the room twice.
 */
export function presentOf(deps: PresentDeps, user: number): Present | Promise<Present> {
  const rows = deps.userRooms.cached(user);
  const upTo = deps.stream.current;
  return rows === undefined || isAhead(rows, upTo) ? comingPresent(deps, user) : { rows, upTo };
}

async function comingPresent(deps: PresentDeps, user: number): Promise<Present> {
  for (;;) {
    const loaded = await deps.userRooms.of(user);
    // Looked up again: waiting, even for nothing, may have let a change pass.
    const rows = deps.userRooms.cached(user) ?? loaded;
    const upTo = deps.stream.current;
    if (!isAhead(rows, upTo)) return { rows, upTo };
    // Read from the database before it was announced; an empty commit is done when that is.
    await deps.stream.commit([], []);
  }
}

function isAhead(rows: Present['rows'], upTo: number): boolean {
  for (const { event } of rows.values()) if (event > upTo) return true;
  return false;
}
