import { type Branded, fitsIdentifier, isLocalpart } from './brand.ts';
import { parseServerName, type ServerName } from './server-name.ts';

/** A room id: `!opaque:server` before room version 12, `!` and a hash from version 12 on (appendices, "Room IDs"). */
export type RoomId = Branded<'RoomId'>;

const HASH_ROOM_ID = /^![A-Za-z0-9_-]{43}$/;

/** Parses a room id of any room version, of at most 255 bytes. Returns undefined for any other text. */
export function parseRoomId(text: string): RoomId | undefined {
  if (!text.startsWith('!') || !fitsIdentifier(text)) return undefined;
  const colon = text.indexOf(':');
  if (colon === -1) return HASH_ROOM_ID.test(text) ? (text as RoomId) : undefined;
  if (!isLocalpart(text.slice(1, colon)) || parseServerName(text.slice(colon + 1)) === undefined) return undefined;
  return text as RoomId;
}

/** Returns whether the room id is the hash of its create event, as in room version 12 and later. */
export function isHashRoomId(id: string): boolean {
  return HASH_ROOM_ID.test(id);
}

/** Returns the server in a room id, or undefined for a room id without one. The server need not be in the room. */
export function roomIdServer(id: RoomId): ServerName | undefined {
  const colon = id.indexOf(':');
  return colon === -1 ? undefined : parseServerName(id.slice(colon + 1));
}

/** Returns the room id that a create event's id implies (rooms/v12, rule 1.2). */
export function roomIdOfCreate(createEventId: string): RoomId | undefined {
  return parseRoomId(`!${createEventId.slice(1)}`);
}
