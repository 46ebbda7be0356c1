import type { RoomVersion } from '../room-versions/rules.ts';

/** The validity of another server's key, as that server published it (server-server API, "Publishing Keys"). */
export interface KeyValidity {
  /** `valid_until_ts` of a key in use. */
  readonly validUntilTs?: number | undefined;
  /** `expired_ts` of an old key. */
  readonly expiredTs?: number | undefined;
}

/** The maximum time from now for which a key counts as valid, whatever its server states (rooms/v5). */
export const KEY_VALIDITY_MS_MAX = 7 * 24 * 60 * 60 * 1000;

/**
 * Returns whether a key may have signed an event with a given time (rooms/v5, "Signing key validity period"). In every
 * version an old key counts only before it expired. From version 5 on a key in use counts only within its validity.
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
