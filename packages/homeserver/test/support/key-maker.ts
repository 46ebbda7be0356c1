import { randomBytes } from 'node:crypto';
import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type SigningKey, signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import { signJson } from '@hearth/protocol/signing/json.ts';

/** Any 32 bytes in unpadded Base64, as a Curve25519 key looks. */
export const curveKey = (): string => encodeBase64(randomBytes(32));

/** Signs as a client does: under a name that may hold any character. */
export class KeyMaker {
  readonly publicKey: string;
  readonly keyId: string;
  readonly #userId: string;
  readonly #key: SigningKey;

  /** A key of a device, or without a name one that is called by its public key. */
  constructor(userId: string, name?: string) {
    const key = signingKeyFromSeed(randomBytes(32), 'ed25519:any');
    this.#userId = userId;
    this.publicKey = key.publicKey;
    this.keyId = `ed25519:${name ?? key.publicKey}`;
    this.#key = { ...key, keyId: this.keyId };
  }

  sign<T extends JsonObject>(object: T): T & JsonObject {
    return signJson(object, this.#userId, this.#key);
  }
}

/** A device with its keys. */
export class DeviceMaker extends KeyMaker {
  readonly userId: string;
  readonly deviceId: string;
  readonly #curve = curveKey();

  constructor(userId: string, deviceId: string) {
    super(userId, deviceId);
    this.userId = userId;
    this.deviceId = deviceId;
  }

  /** The device's identity, signed. */
  keys(more: JsonObject = {}): JsonObject {
    const { userId: user_id, deviceId: device_id } = this;
    const keys = { [`curve25519:${device_id}`]: this.#curve, [this.keyId]: this.publicKey };
    return this.sign({ user_id, device_id, algorithms: ['m.megolm.v1.aes-sha2'], keys, ...more });
  }

  /** Signed one-time keys with these ids. */
  oneTime(...ids: readonly string[]): JsonObject {
    return Object.fromEntries(ids.map((id) => [`signed_curve25519:${id}`, this.sign({ key: curveKey() })]));
  }

  fallback(id: string): JsonObject {
    return { [`signed_curve25519:${id}`]: this.sign({ key: curveKey(), fallback: true }) };
  }
}

/** The three cross-signing keys of a user. */
export class CrossSigningMaker {
  readonly #userId: string;
  readonly master: KeyMaker;
  readonly selfSigning: KeyMaker;
  readonly userSigning: KeyMaker;

  constructor(userId: string, master = new KeyMaker(userId)) {
    this.#userId = userId;
    this.master = master;
    this.selfSigning = new KeyMaker(userId);
    this.userSigning = new KeyMaker(userId);
  }

  masterKey(): JsonObject {
    return this.#key('master', this.master);
  }

  upload(): { master_key: JsonObject; self_signing_key: JsonObject; user_signing_key: JsonObject } {
    return {
      master_key: this.masterKey(),
      self_signing_key: this.master.sign(this.#key('self_signing', this.selfSigning)),
      user_signing_key: this.master.sign(this.#key('user_signing', this.userSigning)),
    };
  }

  #key(usage: string, key: KeyMaker): JsonObject {
    return { user_id: this.#userId, usage: [usage], keys: { [key.keyId]: key.publicKey } };
  }
}
