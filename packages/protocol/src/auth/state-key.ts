import { EVENT_FIELD_BYTES_MAX } from '../events/size.ts';
import { parseUserId, type UserId } from '../identifiers/user-id.ts';
import { powerLevelsOf, powerOf } from './power.ts';
import type { AuthCase } from './state.ts';

/** The maximum size in bytes of a state key after its leading user id, with the underscore (MSC3757). */
const AFTER_OWNER_BYTES_MAX = 256;

/**
 * Applies the rule on the state key of an event (rooms/v1, rule 8; MSC3757). A state key that is a user id is reserved
 * for that user. In room versions with owned state it also belongs to the user with whose id and an underscore it begins,
 * and users with more power than the owner may write it as well.
 */
export function authoriseStateKey(authCase: AuthCase): string | undefined {
  const { stateKey, sender } = authCase.event;
  if (stateKey === undefined) return undefined;
  if (authCase.version.ownedState) return authoriseOwnedKey(authCase, stateKey);
  return stateKey.startsWith('@') && stateKey !== sender ? 'the state_key is another user' : undefined;
}

function authoriseOwnedKey({ event, state, create, version }: AuthCase, stateKey: string): string | undefined {
  const refusal = checkOwnedKeyForm(stateKey) ?? checkOwnedKeySize(stateKey);
  const owner = stateKeyOwner(stateKey);
  if (refusal !== undefined || owner === undefined || owner === event.sender) return refusal;
  const levels = powerLevelsOf(state);
  const power = (userId: string) => powerOf(userId, levels, create, version);
  return power(event.sender) > power(owner) ? undefined : 'the state_key belongs to a user whose power is not lower';
}

/**
 * Checks the form of a state key in a room version with owned state: one that begins with `@` begins with a user id,
 * followed by nothing or by an underscore (MSC3757). Returns the reason for rejecting the event, or undefined.
 */
export function checkOwnedKeyForm(stateKey: string): string | undefined {
  const isMalformed = stateKey.startsWith('@') && stateKeyOwner(stateKey) === undefined;
  return isMalformed ? 'the state_key begins with @ but not with a user id, alone or before an underscore' : undefined;
}

/**
 * Checks the size of a state key in a room version with owned state: at most 255 bytes, or 256 after a leading user id
 * (MSC3757). Returns the reason for rejecting the event, or undefined.
 */
export function checkOwnedKeySize(stateKey: string): string | undefined {
  const owner = stateKeyOwner(stateKey);
  if (owner === undefined) {
    const isTooLong = Buffer.byteLength(stateKey) > EVENT_FIELD_BYTES_MAX;
    return isTooLong ? `the state_key is longer than ${EVENT_FIELD_BYTES_MAX} bytes` : undefined;
  }
  const isTooLong = Buffer.byteLength(stateKey.slice(owner.length)) > AFTER_OWNER_BYTES_MAX;
  return isTooLong ? `the state_key is longer than ${AFTER_OWNER_BYTES_MAX} bytes after the user id` : undefined;
}

/**
 * Returns the user to whom a state key belongs in a room version with owned state: the text before the first underscore
 * after the first colon, or all of the key when there is none (MSC3757). Returns undefined when that is not a user id.
 */
function stateKeyOwner(stateKey: string): UserId | undefined {
  // The localpart may contain underscores, a server name may not.
  const end = stateKey.indexOf('_', stateKey.indexOf(':') + 1);
  return parseUserId(end === -1 ? stateKey : stateKey.slice(0, end));
}
