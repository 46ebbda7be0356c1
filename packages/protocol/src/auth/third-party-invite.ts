import { asObject, asString, type JsonObject } from '../json/value.ts';
import { verifyKey } from '../signing/ed25519.ts';
import { signingKeyIds, verifyJsonWithKey } from '../signing/json.ts';
import { powerLevelsOf, powerNeeded, powerOf } from './power.ts';
import type { AuthCase } from './state.ts';

/**
 * The maximum number of public keys of one invite that are tried, and of signatures. Each pair of them costs a
 * verification.
 */
const KEYS_MAX = 20;
const SIGNATURES_MAX = 20;

/** Applies the rule on `m.room.third_party_invite` (rooms/v1, rule 7). */
export function authoriseThirdPartyInvite({ event, state, create, version }: AuthCase): string | undefined {
  const levels = powerLevelsOf(state);
  if (powerOf(event.sender, levels, create, version) >= powerNeeded('invite', levels, version)) return undefined;
  return 'm.room.third_party_invite: the sender lacks the invite level';
}

/**
 * Returns whether any signature in `signed` verifies with any public key of the `m.room.third_party_invite` (rooms/v1,
 * rule 5.3.1.7).
 */
export function isSignedByInvite(signed: JsonObject, invite: JsonObject): boolean {
  const keys = publicKeys(invite)
    .slice(0, KEYS_MAX)
    .map((publicKey) => verifyKey(publicKey))
    .filter((key) => key !== undefined);
  const signatures = Object.keys(asObject(signed.signatures) ?? {})
    .flatMap((signer) => signingKeyIds(signed, signer).map((keyId) => ({ signer, keyId })))
    .slice(0, SIGNATURES_MAX);
  return signatures.some(({ signer, keyId }) => keys.some((key) => verifyJsonWithKey(signed, signer, keyId, key)));
}

function publicKeys(invite: JsonObject): string[] {
  const listed = Array.isArray(invite.public_keys) ? invite.public_keys : [];
  const keys = [invite.public_key, ...listed.map((entry) => asObject(entry)?.public_key)];
  return keys.map(asString).filter((key) => key !== undefined);
}
