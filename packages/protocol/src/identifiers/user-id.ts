import { type Branded, fitsIdentifier, isLocalpart } from './brand.ts';
import { parseServerName, type ServerName } from './server-name.ts';

/** A user id, A user id, `@localpart:server` (appendices, "User Identifiers"). */
export type UserId = Branded<'UserId'>;

const NEW_LOCALPART = /^[a-z0-9._=/+-]+$/;
const COMPLIANT_LOCALPART = /^[\x21-\x39\x3b-\x7e]+$/;

/**
 * Parses a user id of at most 255 bytes. Returns undefined for any other text. Accepts the historical grammar, as
 * servers must (appendices, "Historical User IDs"): a localpart of any code points except `:` and NUL, which may be
 * empty.
 */
export function parseUserId(text: string): UserId | undefined {
  if (!text.startsWith('@') || !fitsIdentifier(text)) return undefined;
  const colon = text.indexOf(':');
  if (colon === -1 || !isLocalpart(text.slice(1, colon))) return undefined;
  return parseServerName(text.slice(colon + 1)) === undefined ? undefined : (text as UserId);
}

/** Returns the user id of a localpart on a server, or undefined when they do not form one. */
export function userId(localpart: string, server: ServerName): UserId | undefined {
  return localpart.includes(':') ? undefined : parseUserId(`@${localpart}:${server}`);
}

/** Returns the localpart of a user id, without the sigil. */
export function userIdLocalpart(id: UserId): string {
  return id.slice(1, id.indexOf(':'));
}

/**
 * Returns whether a new account may have this localpart: `a-z0-9._=-/+`, not empty (appendices, "User Identifiers").
 */
export function isValidNewLocalpart(localpart: string): boolean {
  return NEW_LOCALPART.test(localpart);
}

/**
 * Returns whether a user id may be shown to clients outside an event: its localpart is not empty and within U+0021 to
 * U+007E (appendices, "Historical User IDs").
 */
export function isCompliantUserId(id: UserId): boolean {
  return COMPLIANT_LOCALPART.test(userIdLocalpart(id));
}

/**
 * Maps any name to a localpart of the strict grammar (appendices, "Mapping from other character sets"): UTF-8, `A-Z`
 * in lower case, any other byte outside the grammar and `=` as `=` and two hexadecimal digits.
 */
export function mapToLocalpart(name: string): string {
  let localpart = '';
  for (const byte of Buffer.from(name)) {
    const letter = String.fromCharCode(byte).replace(/[A-Z]/, (upper) => upper.toLowerCase());
    localpart += letter !== '=' && NEW_LOCALPART.test(letter) ? letter : `=${byte.toString(16).padStart(2, '0')}`;
  }
  return localpart;
}
