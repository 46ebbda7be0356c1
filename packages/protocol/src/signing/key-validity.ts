import type { RoomVersion } from '../room-versions/rules.ts';

/** Until when another server's key counts, as that server published it (server-server API, "Publishing Keys"). */
export interface KeyValidity {
  /** `valid_until_ts` of a key in use. */
  readonly validUntilTs?: number | undefined;
  /** `expired_ts` of an old key. */
  readonly expiredTs?: number | undefined;
}

/** However far ahead a server says its key is valid, no further than this from now is believed (rooms/v5). */
export const KEY_VALIDITY_MS_MAX = 7 * 24 * 60 * 60 * 1000;

/**
 * Whether a key may have signed an event of that time (rooms/v5, "Signing key validity period"). An old key only before
 * it expired, in every version; from version 5 on a key in use only within its validity.
 */
export function isKeyValidFor(
  key: KeyValidity,
  originServerTs: number,
  nowMs: number,
  version: Pick<RoomVersion, 'enforceSigningKeyValidity'>,
): boolean {
  if (key.expiredTs !== undefined) return originServerTs < key.expiredTs;
  if (!version.enforceSigningKeyValidity) return true;
  return originServerTs <= Math.min(key.validUntilTs ?? 0, nowMs + KEY_VALIDITY_MS_MAX);
}
