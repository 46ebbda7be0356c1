import type { Heads } from '../heads.ts';
import type { Memberships } from './membership.ts';
import type { UserRooms } from './user-rooms.ts';

export interface LeaveRoomsDeps {
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly joining: Memberships;
}

/**
 * Takes a user who is gone out of every room they were in or invited to (client-server API, "Account deactivation").
 * @throws AggregateError after the last room, if some could not be left
 */
export async function leaveRooms(
  { heads, userRooms, joining }: LeaveRoomsDeps,
  user: number,
  userId: string,
): Promise<void> {
  const errors: unknown[] = [];
  for (const { room, membership } of (await userRooms.of(user)).values()) {
    if (membership !== 'join' && membership !== 'invite' && membership !== 'knock') continue;
    const head = await heads.byNum(room);
    if (head === undefined) continue;
    await joining.leave(head, { user, userId, isGuest: false }).catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, `${userId} could not leave ${errors.length} rooms`);
}
