import type { AuthEvent } from '../events/event.ts';
import { domainOf } from '../identifiers/server-of.ts';
import { parseUserId } from '../identifiers/user-id.ts';
import { asString, asStringArray } from '../json/value.ts';
import { type RoomVersion, roomVersion } from '../room-versions/rules.ts';

/** Applies the rules on `m.room.create` (rooms/v1, v11 and v12, rule 1). */
export function authoriseCreate(event: AuthEvent, version: RoomVersion): string | undefined {
  if (event.prevEvents.length > 0) return 'm.room.create: it has prev_events';
  const { content } = event;
  if (version.createRoomIdHash) {
    // `roomId` is derived from the event's own id only if the event has no `room_id`.
    if (event.roomId !== `!${event.eventId.slice(1)}`) return 'm.room.create: it has a room_id';
  } else if (domainOf(event.roomId) !== domainOf(event.sender)) {
    return "m.room.create: the room's domain is not the sender's";
  }
  if (content.room_version !== undefined && roomVersion(asString(content.room_version) ?? '') === undefined) {
    return 'm.room.create: the room version is not recognised';
  }
  if (!version.implicitCreator && content.creator === undefined) return 'm.room.create: it has no creator';
  if (version.creatorsPrivileged && content.additional_creators !== undefined) {
    const creators = asStringArray(content.additional_creators);
    if (creators === undefined || creators.some((creator) => parseUserId(creator) === undefined)) {
      return 'm.room.create: additional_creators is not an array of user ids';
    }
  }
  return undefined;
}
