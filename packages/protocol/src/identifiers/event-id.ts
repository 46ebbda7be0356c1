import { type Branded, fitsIdentifier, isLocalpart } from './brand.ts';
import { parseServerName, type ServerName } from './server-name.ts';

/**
 * An event id: An event id: `$opaque:server` in room versions 1 and 2, `$` and a hash from version 3 on (appendices, "Event IDs").
 */
export type EventId = Branded<'EventId'>;

/** Unpadded Base64 of 32 bytes: standard alphabet in room version 3, URL-safe from version 4. */
const HASH_EVENT_ID = /^\$(?:[A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})$/;

/** Parses an event id of any room version, of at most 255 bytes. Returns undefined for any other text. */
export function parseEventId(text: string): EventId | undefined {
  if (!text.startsWith('$') || !fitsIdentifier(text)) return undefined;
  const colon = text.indexOf(':');
  if (colon === -1) return HASH_EVENT_ID.test(text) ? (text as EventId) : undefined;
  if (!isLocalpart(text.slice(1, colon)) || parseServerName(text.slice(colon + 1)) === undefined) return undefined;
  return text as EventId;
}

/** Returns the server in an event id of room versions 1 and 2; undefined for later versions. */
export function eventIdServer(id: string): ServerName | undefined {
  const colon = id.indexOf(':');
  return colon === -1 ? undefined : parseServerName(id.slice(colon + 1));
}
