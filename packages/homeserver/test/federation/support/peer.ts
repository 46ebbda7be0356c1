import { parseServerName, type ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type SigningKey, signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import { signJson } from '@hearth/protocol/signing/json.ts';

/** Parses a server name that is valid. */
export function nameOf(text: string): ServerName {
  const name = parseServerName(text);
  if (name === undefined) throw new Error(`${text} is not a server name`);
  return name;
}

/** Returns a signing key that follows from a number and an id. */
export function keyOf(seed: number, keyId = `ed25519:${seed}`): SigningKey {
  return signingKeyFromSeed(new Uint8Array(32).fill(seed), keyId);
}

/** Members of an answer with keys that differ from the usual ones. */
interface KeyAnswer {
  readonly server: string;
  readonly keys: readonly SigningKey[];
  readonly validUntilTs: number;
  readonly old?: readonly { readonly key: SigningKey; readonly expiredTs: number }[];
}

/** Returns the answer of a server with its keys, signed by each of them. */
export function keyAnswer({ server, keys, validUntilTs, old }: KeyAnswer): JsonObject {
  const answer: JsonObject = {
    server_name: server,
    valid_until_ts: validUntilTs,
    verify_keys: Object.fromEntries(keys.map((key) => [key.keyId, { key: key.publicKey }])),
    ...(old !== undefined && {
      old_verify_keys: Object.fromEntries(
        old.map(({ key, expiredTs }) => [key.keyId, { key: key.publicKey, expired_ts: expiredTs }]),
      ),
    }),
  };
  return keys.reduce((signed, key) => signJson(signed, server, key), answer);
}
