import { type Branded, fitsIdentifier, isLocalpart } from './brand.ts';
import { parseServerName, type ServerName } from './server-name.ts';

/** A room alias, A room alias, `#localpart:server` (appendices, "Room Aliases"). */
export type RoomAlias = Branded<'RoomAlias'>;

/** Parses a room alias of at most 255 bytes with a localpart. Returns undefined for any other text. */
export function parseRoomAlias(text: string): RoomAlias | undefined {
  if (!text.startsWith('#') || !fitsIdentifier(text)) return undefined;
  const colon = text.indexOf(':');
  if (colon < 2 || !isLocalpart(text.slice(1, colon))) return undefined;
  return parseServerName(text.slice(colon + 1)) === undefined ? undefined : (text as RoomAlias);
}

/** Returns the alias of a localpart on a server, or undefined when they do not form one. */
export function roomAlias(localpart: string, server: ServerName): RoomAlias | undefined {
  return localpart.includes(':') ? undefined : parseRoomAlias(`#${localpart}:${server}`);
}

/** Returns the localpart of an alias, without the sigil. */
export function roomAliasLocalpart(alias: RoomAlias): string {
  return alias.slice(1, alias.indexOf(':'));
}
