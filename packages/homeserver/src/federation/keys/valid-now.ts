import type { KeyValidity } from '@hearth/protocol/signing/key-validity.ts';
import type { Clock } from '../../platform/clock.ts';

/** Returns a function that accepts the keys that are in use and valid now, as requests need them. */
export function isValidNow(clock: Clock): (key: KeyValidity) => boolean {
  return ({ validUntilTs = 0, expiredTs }) => expiredTs === undefined && clock.now() < validUntilTs;
}
