import { type Branded, fitsIdentifier, isLocalpart } from './brand.ts';
import { parseServerName, type ServerName } from './server-name.ts';

/** `!opaque:server` before room version 12, `!` and a hash from then on (appendices, "Room IDs"). */
export type RoomId = Branded<'RoomId'>;

const HASH_ROOM_ID = /^![A-Za-z0-9_-]{43}$/;

/** Parses a room id of any room version, or undefined. No more than 255 bytes. */
export function parseRoomId(text: string): RoomId | undefined {
  if (!text.startsWith('!') || !fitsIdentifier(text)) return undefined;
  const colon = text.indexOf(':');
  if (colon === -1) return HASH_ROOM_ID.test(text) ? (text as RoomId) : undefined;
  if (!isLocalpart(text.slice(1, colon)) || parseServerName(text.slice(colon + 1)) === undefined) return undefined;
  return text as RoomId;
}

/** Whether the room id is the hash of its create event: room version 12 and later. */
export function isHashRoomId(id: string): boolean {
  return HASH_ROOM_ID.test(id);
}

/** The server in a room id, which says nothing about who is in the room; undefined for one without a domain. */
export function roomIdServer(id: RoomId): ServerName | undefined {
  const colon = id.indexOf(':');
  return colon === -1 ? undefined : parseServerName(id.slice(colon + 1));
}

/** The room id that a create event's id implies (rooms/v12, rule 1.2). */
export function roomIdOfCreate(createEventId: string): RoomId | undefined {
  return parseRoomId(`!${createEventId.slice(1)}`);
}
