import { isObject, type JsonObject, member } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { WantedKeys } from '../key-claim.ts';
import { algorithmOf } from '../key-stock.ts';
import { checkClaimableKey } from '../signed-keys.ts';
import { isAccepted } from './is-accepted.ts';

/**
 * Checks the answer of a server to a claim, which has one key for each wanted device. Keys that are malformed or that
 * nobody asked for are left out. Returns the JSON text between the braces of an object by user id.
 * @throws FederationError if the answer has no keys
 */
export function checkedClaim(answer: JsonObject, wanted: WantedKeys): string {
  const keys = answer.one_time_keys;
  if (!isObject(keys)) throw new FederationError('refused', 'the answer has no one_time_keys');
  const users: string[] = [];
  for (const [userId, algorithms] of wanted) {
    const devices = member(keys, userId);
    if (!isObject(devices)) continue;
    const texts: string[] = [];
    for (const [deviceId, algorithm] of algorithms) {
      const text = keyText(member(devices, deviceId), algorithm);
      if (text !== undefined) texts.push(`${JSON.stringify(deviceId)}:{${text}}`);
    }
    if (texts.length > 0) users.push(`${JSON.stringify(userId)}:{${texts.join(',')}}`);
  }
  return users.join(',');
}

/** Returns the first valid key of an algorithm, with its id. */
function keyText(keys: unknown, algorithm: string): string | undefined {
  if (!isObject(keys)) return undefined;
  for (const [keyId, key] of Object.entries(keys)) {
    if (algorithmOf(keyId) === algorithm && isAccepted(() => checkClaimableKey(keyId, key)))
      return `${JSON.stringify(keyId)}:${JSON.stringify(key)}`;
  }
  return undefined;
}
