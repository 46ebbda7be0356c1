import type { AuthEvent } from '../events/event.ts';
import { asString, asStringArray } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/** Returns the user who created the room: the create event's sender, or before version 11 its `content.creator`. */
export function creatorOf(create: AuthEvent, version: RoomVersion): string | undefined {
  return version.implicitCreator ? create.sender : asString(create.content.creator);
}

/** Returns the users with infinite power; there are none before version 12 (rooms/v12, "Authorisation rules"). */
export function privilegedCreators(create: AuthEvent, version: RoomVersion): string[] {
  if (!version.creatorsPrivileged) return [];
  return [create.sender, ...(asStringArray(create.content.additional_creators) ?? [])];
}

/** Returns whether a user's power is infinite. */
export function isPrivilegedCreator(userId: string, create: AuthEvent, version: RoomVersion): boolean {
  if (!version.creatorsPrivileged) return false;
  return userId === create.sender || (asStringArray(create.content.additional_creators)?.includes(userId) ?? false);
}
