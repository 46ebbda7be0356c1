import { invalidSignature, MatrixError, notFound } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { putCrossSigningKey, putUserSignature, type UserSignatureRow } from '../storage/encryption/cross-signing.ts';
import { putDeviceKeys } from '../storage/encryption/device-keys.ts';
import type { Write } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { CrossSigning } from './cross-signing.ts';
import type { ChangedKeys, DeviceListChanges } from './device-list-change.ts';
import type { KeyDirectory } from './key-directory.ts';
import type { FollowedUsers } from './key-lookup.ts';
import { isSameKey, isSignedBy, type Signer, signaturesBy, withSignatures } from './signed-keys.ts';
import type { UserKeys } from './user-keys.ts';

interface SignaturesParts {
  readonly names: Names;
  readonly stream: Stream;
  readonly keyDirectory: KeyDirectory;
  readonly crossSigning: CrossSigning;
  readonly deviceListChanges: DeviceListChanges;
}

/** Signed keys by user id, then by device id or public key. */
export type SignedKeys = ReadonlyMap<string, ReadonlyMap<string, JsonValue | undefined>>;

/** The refused signatures by user id and key id, as standard errors. */
export type Failures = Record<string, Record<string, JsonObject>>;

interface Owner {
  readonly user: number;
  readonly userId: string;
}

/** A signature on another user's master key, not stored yet. */
type NewUserSignature = Omit<UserSignatureRow, 'position'>;

/**
 * Stores uploaded signatures (client-server API, `POST /keys/signatures/upload`). Each is verified with the key that it
 * names. Invalid signatures are reported and not stored.
 */
export class Signatures {
  readonly #parts: SignaturesParts;

  #followed: FollowedUsers | undefined;

  constructor(parts: SignaturesParts) {
    this.#parts = parts;
  }

  /** Sets the stored keys of users of other servers. */
  followWith(followed: FollowedUsers): void {
    this.#followed = followed;
  }

  /** Stores the valid signatures. Returns the failures of the others. */
  async upload(signer: Owner, signed: SignedKeys): Promise<Failures> {
    const others = [...signed.keys()].filter((userId) => domainOf(userId) !== domainOf(signer.userId));
    // The keys of users of other servers are fetched if they are not stored.
    if (others.length > 0) await this.#followed?.current(new Map(others.map((userId) => [userId, []])));
    return this.#parts.crossSigning.serial.run(signer.user, () => this.#store(signer, signed));
  }

  async #store(signer: Owner, signed: SignedKeys): Promise<Failures> {
    const { names, stream, keyDirectory } = this.#parts;
    const nums = await names.findAll([...signed.keys(), signer.userId]);
    const found = await keyDirectory.of(nums.values());
    const own = found.get(signer.user);
    const failures: Failures = {};
    const writes: Write[] = [];
    const changed: ChangedKeys[] = [];
    const signatures: NewUserSignature[] = [];
    for (const [userId, keys] of signed) {
      const user = nums.get(userId);
      const theirs = user === undefined ? undefined : found.get(user);
      for (const [keyId, object] of keys) {
        try {
          if (own === undefined || user === undefined || theirs === undefined) throw notFound('The key does not exist');
          if (user === signer.user) {
            const made = signOwn(signer, own, keyId, object);
            if (made === undefined) continue;
            writes.push(made.write);
            changed.push(made.changed);
          } else signatures.push(signOther(signer, own, { user, keys: theirs }, keyId, object));
        } catch (error) {
          if (!(error instanceof MatrixError)) throw error;
          failures[userId] = { ...failures[userId], [keyId]: error.body() };
        }
      }
    }
    if (writes.length === 0 && signatures.length === 0) return failures;
    const position = stream.next();
    const changes: Change[] = [];
    if (writes.length > 0) {
      const listed = this.#parts.deviceListChanges.of(signer.user, position, changed);
      writes.push(...listed.writes);
      changes.push(listed.change);
    }
    for (const row of signatures) {
      writes.push(putUserSignature({ ...row, position }));
      changes.push({ kind: 'device-list', position, user: row.user_num, onlyFor: signer.user });
    }
    await stream.commit(writes, changes, () => {
      keyDirectory.changed(signer.user);
      keyDirectory.signaturesChanged(signer.user);
    });
    return failures;
  }
}

/** Returns new signatures on the user's own device by the self-signing key, or on the own master key by devices. */
function signOwn(
  { user, userId }: Owner,
  known: UserKeys,
  keyId: string,
  object: JsonValue | undefined,
): { readonly write: Write; readonly changed: ChangedKeys } | undefined {
  const device = known.device(keyId);
  const master = known.crossSigner('master')?.publicKey === keyId ? known.crossSigningKey('master') : undefined;
  const stored = device?.keys ?? master;
  const signerOf = (id: string): Signer | undefined => {
    const selfSigning = known.crossSigner('self_signing');
    if (device !== undefined && selfSigning?.keyId === id) return selfSigning;
    return device === undefined ? known.deviceSigner(id.slice('ed25519:'.length)) : undefined;
  };
  const fresh = newSignatures(object, stored, userId, signerOf);
  if (stored === undefined || Object.keys(fresh).length === 0) return undefined;
  const json = JSON.stringify(withSignatures(stored, userId, { ...signaturesBy(stored, userId), ...fresh }));
  if (device === undefined) return { write: putCrossSigningKey(user, 'master', json), changed: { crossSigning: true } };
  return { write: putDeviceKeys(device.device, user, json), changed: { devices: [device.device] } };
}

/**
 * Returns a new signature on another user's master key by the user-signing key. Other signatures on keys of others are
 * not allowed.
 */
function signOther(
  signer: Owner,
  own: UserKeys,
  other: { readonly user: number; readonly keys: UserKeys },
  keyId: string,
  object: JsonValue | undefined,
): NewUserSignature {
  const isMaster = other.keys.crossSigner('master')?.publicKey === keyId;
  const stored = isMaster ? other.keys.crossSigningKey('master') : undefined;
  const key = own.crossSigner('user_signing');
  const fresh = newSignatures(object, stored, signer.userId, (id) => (key?.keyId === id ? key : undefined));
  const signature = key === undefined ? undefined : fresh[key.keyId];
  if (key === undefined || typeof signature !== 'string')
    throw invalidSignature('The signature of the user-signing key is missing');
  return { signer: signer.user, user_num: other.user, master_key: keyId, signing_key: key.keyId, signature };
}

/**
 * Returns the verified signatures on an object that are not stored yet.
 * @throws MatrixError M_NOT_FOUND, M_INVALID_SIGNATURE when any of them is not valid
 */
function newSignatures(
  object: JsonValue | undefined,
  stored: JsonObject | undefined,
  userId: string,
  signerOf: (keyId: string) => Signer | undefined,
): JsonObject {
  if (stored === undefined) throw notFound('The key does not exist');
  if (!isObject(object) || !isSameKey(object, stored))
    throw invalidSignature('The signed key differs from the stored key');
  const known = new Map(Object.entries(signaturesBy(stored, userId)));
  const fresh: JsonObject = {};
  for (const [keyId, signature] of Object.entries(signaturesBy(object, userId))) {
    if (known.get(keyId) === signature) continue;
    const key = signerOf(keyId);
    if (key === undefined || !isSignedBy(object, userId, key)) {
      throw invalidSignature(`The signature by ${keyId} is not valid`);
    }
    fresh[keyId] = signature;
  }
  return fresh;
}
