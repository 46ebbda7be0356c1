import { ReplacedRooms } from '../push-rules/replaced-rooms.ts';
import { RoomSettings } from '../push-rules/room-settings.ts';
import { GuestAccess } from '../rooms/membership/guest-access.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

interface ConnectedDomains {
  readonly users: Users;
  readonly userData: UserData;
  readonly rooms: Rooms;
}

/**
 * Connects rooms with users: rooms get the changes of users and profiles, and users and their settings get the changes
 * of rooms.
 */
export function connectRooms(
  { names, stream, background }: Base,
  { users, userData, rooms }: ConnectedDomains,
  serverName: string,
): void {
  const { heads, events, joining, memberProfiles } = rooms;
  const { accounts, accountChanges } = users;
  const { profiles, pushRules, accountData, tags } = userData;
  profiles.onChange((user, userId) =>
    background.start('updating a profile in rooms', () => memberProfiles.profileChanged(userId, user)),
  );
  accountChanges.onDeactivated((user, userId) => joining.leaveAll(user, userId));
  new GuestAccess({ stream, names, events, heads, joining, accounts, background }).watch();
  const settings = new RoomSettings(pushRules, accountData, tags);
  new ReplacedRooms({ stream, events, heads, settings, background, serverName }).watch();
}
