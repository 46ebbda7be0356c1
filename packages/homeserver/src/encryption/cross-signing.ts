import { forbidden, invalidSignature, missingParam } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import {
  deleteCrossSigningKeys,
  deleteSignaturesBy,
  deleteSignaturesOf,
  KEY_USAGES,
  type KeyUsage,
  putCrossSigningKey,
} from '../storage/encryption/cross-signing.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { type DeviceListChanges, ownKeyChange } from './device-list-change.ts';
import type { KeyDirectory } from './key-directory.ts';
import {
  checkCrossSigningKey,
  isSameKey,
  isSignedBy,
  type Signer,
  signaturesBy,
  verifiedSignatures,
  withSignatures,
} from './signed-keys.ts';
import type { UserKeys } from './user-keys.ts';

/** The keys of an upload, by usage. */
export type CrossSigningKeys = Readonly<Partial<Record<KeyUsage, JsonObject>>>;

/** The owner of the keys. */
interface Owner {
  readonly user: number;
  readonly userId: string;
}

interface CrossSigningParts {
  readonly database: Database;
  readonly stream: Stream;
  readonly keyDirectory: KeyDirectory;
  readonly deviceListChanges: DeviceListChanges;
}

/** Users' cross-signing keys (client-server API, "Cross-signing"). */
export class CrossSigning {
  readonly #parts: CrossSigningParts;
  /** A lock for uploads of keys and signatures of one user, because each upload depends on the stored keys. */
  readonly serial = new Serial<number>();

  constructor(parts: CrossSigningParts) {
    this.#parts = parts;
  }

  /**
   * Stores keys. An upload that changes existing keys or adds to them needs user-interactive authentication (MSC3967).
   * This is decided in the same step as the write, so that only one of several first uploads succeeds.
   * @param isAuthenticated whether the owner has completed user-interactive authentication
   * @returns whether the keys are stored; false when the owner has to authenticate first
   * @throws MatrixError M_INVALID_PARAM, M_MISSING_PARAM, M_INVALID_SIGNATURE, M_FORBIDDEN
   */
  upload(owner: Owner, keys: CrossSigningKeys, isAuthenticated: boolean): Promise<boolean> {
    return this.serial.run(owner.user, () => this.#store(owner, keys, isAuthenticated));
  }

  /** Deletes all cross-signing data of a deactivated user. */
  async forget(user: number): Promise<void> {
    const { database, keyDirectory } = this.#parts;
    await database.commit([
      deleteCrossSigningKeys(user, KEY_USAGES),
      deleteSignaturesBy(user),
      deleteSignaturesOf(user),
    ]);
    keyDirectory.changed(user);
    keyDirectory.signaturesChanged(user);
  }

  async #store({ user, userId }: Owner, keys: CrossSigningKeys, isAuthenticated: boolean): Promise<boolean> {
    const { stream, keyDirectory, deviceListChanges } = this.#parts;
    const known = await keyDirectory.one(user);
    const master = check(keys, userId, known);
    const changed = KEY_USAGES.filter((usage) => differs(keys[usage], known.crossSigningKey(usage)));
    if (changed.length === 0) return true;
    if (known.crossSigningText('master') !== undefined && !isAuthenticated) return false;
    const writes: Write[] = changed.map((usage) => {
      const key = keys[usage] ?? {};
      const signers = usage === 'master' ? deviceSigners(key, userId, known) : [master];
      const stored = withSignatures(key, userId, verifiedSignatures(key, userId, signers));
      return putCrossSigningKey(user, usage, JSON.stringify(stored));
    });
    if (changed.includes('master')) {
      // Signatures by and of the old key are not valid for the new one.
      const orphaned = KEY_USAGES.filter((usage) => keys[usage] === undefined);
      writes.push(deleteCrossSigningKeys(user, orphaned), deleteSignaturesOf(user));
    }
    if (changed.includes('user_signing') || changed.includes('master')) writes.push(deleteSignaturesBy(user));
    const isForOthers = changed.some((usage) => usage !== 'user_signing');
    const position = stream.next();
    const listed = isForOthers
      ? deviceListChanges.of(user, position, [{ crossSigning: true }])
      : ownKeyChange(user, position);
    await stream.commit([...writes, ...listed.writes], [listed.change], () => {
      keyDirectory.changed(user);
      keyDirectory.signaturesChanged(user);
    });
    return true;
  }
}

function differs(key: JsonObject | undefined, known: JsonObject | undefined): boolean {
  return key !== undefined && (known === undefined || !isSameKey(key, known));
}

/** Checks the form of the keys and the signatures of the master key. Returns the master key after the upload. */
function check(keys: CrossSigningKeys, userId: string, known: UserKeys): Signer | undefined {
  const signers = KEY_USAGES.map((usage) => {
    const key = keys[usage];
    return key === undefined ? undefined : checkCrossSigningKey(key, userId, usage);
  });
  if (signers.some((signer) => signer !== undefined && known.hasDevice(signer.publicKey))) {
    throw forbidden('The public key of a cross-signing key must not be a device id');
  }
  const master = signers[0] ?? known.crossSigner('master');
  for (const usage of ['self_signing', 'user_signing'] as const) {
    const key = keys[usage];
    if (key === undefined) continue;
    if (master === undefined) throw missingParam('The user has no master key yet');
    if (!isSignedBy(key, userId, master)) throw invalidSignature(`The master key has not signed the ${usage} key`);
  }
  return master;
}

/** Returns the devices that have signed a key, according to its signatures. */
function deviceSigners(key: JsonObject, userId: string, known: UserKeys): (Signer | undefined)[] {
  return Object.keys(signaturesBy(key, userId)).map((keyId) => known.deviceSigner(keyId.slice('ed25519:'.length)));
}
