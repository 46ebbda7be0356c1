import type { UserRooms } from '../rooms/user-rooms.ts';
import type { MembershipRow } from '../storage/membership-store.ts';
import type { Stream } from '../storage/stream.ts';

/**
 * How far the stream is, and the user's memberships there. The two belong together: a membership that is further than
 * the answer would hide what happened before it, or show the room twice.
 */
export async function presentOf(
  deps: { readonly stream: Stream; readonly userRooms: UserRooms },
  user: number,
): Promise<{ rows: ReadonlyMap<number, MembershipRow>; upTo: number }> {
  for (;;) {
    const loaded = await deps.userRooms.of(user);
    // Looked up again: waiting, even for nothing, may have let a change pass.
    const rows = deps.userRooms.cached(user) ?? loaded;
    const upTo = deps.stream.current;
    if (!rows.values().some(({ event }) => event > upTo)) return { rows, upTo };
    // Read from the database before it was announced; an empty commit is done when that is.
    await deps.stream.commit([], []);
  }
}
