import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type SigningKey, type VerifyKey, verifyKey } from '@hearth/protocol/signing/ed25519.ts';
import { signJson } from '@hearth/protocol/signing/json.ts';
import type { KeyValidity } from '@hearth/protocol/signing/key-validity.ts';

import { type Clock, DAY_MS } from '../../platform/clock.ts';

/** A key with which this server signed in the past. */
export interface OldKey {
  readonly keyId: string;
  /** Unpadded Base64. */
  readonly publicKey: string;
  /** The time since which the key is not used any more. */
  readonly expiredTs: number;
}

/** The validity that this server states for its keys. The specification permits seven days at most. */
const VALID_MS = DAY_MS;
/** The time after which the statement is renewed, so that its validity is never much shorter than {@link VALID_MS}. */
const RENEWED_AFTER_MS = 60 * 60_000;

/** The signing keys of this server as other servers see them (server-server API, "Publishing Keys"). */
export class OwnKeys {
  readonly serverName: ServerName;
  readonly signingKey: SigningKey;
  readonly #oldKeys: readonly OldKey[];
  readonly #clock: Clock;
  #published: JsonObject | undefined;
  #renewAt = 0;

  constructor(serverName: ServerName, signingKey: SigningKey, oldKeys: readonly OldKey[], clock: Clock) {
    this.serverName = serverName;
    this.signingKey = signingKey;
    this.#oldKeys = oldKeys;
    this.#clock = clock;
  }

  /** Returns a key of this server, old ones included, if `accept` accepts it. */
  find(keyId: string, accept: (key: KeyValidity) => boolean): VerifyKey | undefined {
    const { signingKey } = this;
    if (keyId === signingKey.keyId)
      return accept({ validUntilTs: this.#clock.now() + VALID_MS }) ? verifyKey(signingKey.publicKey) : undefined;
    const old = this.#oldKeys.find((key) => key.keyId === keyId);
    return old !== undefined && accept({ expiredTs: old.expiredTs }) ? verifyKey(old.publicKey) : undefined;
  }

  /** Returns the signed object that lists the keys. */
  published(): JsonObject {
    const now = this.#clock.now();
    if (this.#published !== undefined && now < this.#renewAt) return this.#published;
    const { keyId, publicKey } = this.signingKey;
    const old = this.#oldKeys.map((key) => [key.keyId, { expired_ts: key.expiredTs, key: key.publicKey }] as const);
    // The members are in the order of canonical JSON, because some readers verify the text without its signatures.
    const keys = {
      old_verify_keys: Object.fromEntries(old.sort(([a], [b]) => (a < b ? -1 : 1))),
      server_name: this.serverName,
      valid_until_ts: now + VALID_MS,
      verify_keys: { [keyId]: { key: publicKey } },
    };
    this.#published = signJson(keys, this.serverName, this.signingKey);
    this.#renewAt = now + RENEWED_AFTER_MS;
    return this.#published;
  }
}
