import { BatchCache } from '../platform/caches/batch-cache.ts';
import { cacheBytes } from '../platform/caches/cache-size.ts';
import type { Source } from '../platform/lookups/source.ts';
import {
  KEY_USAGES,
  readCrossSigningKeys,
  readUserSignatures,
  type UserSignatureRow,
} from '../storage/encryption/cross-signing.ts';
import { readDeviceKeys } from '../storage/encryption/device-keys.ts';
import { readRemoteDevices, readRemoteLists } from '../storage/encryption/remote-device-lists.ts';
import type { Database } from '../storage/engine/database.ts';
import { UserKeys } from './user-keys.ts';

const CACHED_USERS_MAX = 5_000;
const CACHED_SIGNERS_MAX = 5_000;

/**
 * A cache of stored public keys, and of the signatures of users on the keys of others. Values are
 * loaded in batches.
 */
export class KeyDirectory {
  readonly #users: BatchCache<UserKeys>;
  #includesRemote = false;
  readonly #signatures: BatchCache<ReadonlyMap<number, UserSignatureRow>>;

  constructor(database: Database) {
    this.#users = new BatchCache(
      CACHED_USERS_MAX,
      { bytesMax: cacheBytes(48), bytesOf: ({ bytes }) => bytes },
      (users) => (this.#includesRemote ? loadAllKeys(database, users) : loadKeys(database, users)),
    );
    this.#signatures = new BatchCache(
      CACHED_SIGNERS_MAX,
      { bytesMax: cacheBytes(16), bytesOf: signaturesBytes },
      (signers) => loadSignatures(database, signers),
    );
  }

  /** Includes the stored keys of users of other servers. */
  includeRemote(): void {
    this.#includesRemote = true;
  }

  /** Returns the keys of some users. */
  of(users: Iterable<number>): Promise<ReadonlyMap<number, UserKeys>> {
    return this.#users.many(users);
  }

  /** Returns the keys of one user. */
  async one(user: number): Promise<UserKeys> {
    return this.#users.one(user);
  }

  /** Returns the signatures of a user's user-signing key on the master keys of others, by user. */
  async signaturesBy(signer: number): Promise<ReadonlyMap<number, UserSignatureRow>> {
    return this.#signatures.one(signer);
  }

  /** The same as {@link signaturesBy}. */
  get signaturesSource(): Source<number, ReadonlyMap<number, UserSignatureRow>> {
    return this.#signatures.source;
  }

  /** Evicts the keys of a user. Callers call it when a change of the keys is on disk. */
  changed(user: number): void {
    this.#users.delete(user);
  }

  /** Evicts the signatures of a user. Callers call it when a change of the signatures is on disk. */
  signaturesChanged(signer: number): void {
    this.#signatures.delete(signer);
  }
}

/** Returns the stored keys of one user. */
export async function loadUserKeys(database: Database, user: number): Promise<UserKeys> {
  return (await loadKeys(database, [user])).get(user) ?? new UserKeys();
}

async function loadKeys(database: Database, users: readonly number[]): Promise<ReadonlyMap<number, UserKeys>> {
  const found = new Map(users.map((user) => [user, new UserKeys()]));
  const [devices, crossSigning] = await Promise.all([
    readDeviceKeys(database, users),
    readCrossSigningKeys(database, users),
  ]);
  for (const row of devices) found.get(row.user_num)?.addDevice(row);
  for (const row of crossSigning) found.get(row.user_num)?.addCrossSigningKey(row);
  return found;
}

/** Returns the stored keys of users of this server and of others. */
async function loadAllKeys(database: Database, users: readonly number[]): Promise<ReadonlyMap<number, UserKeys>> {
  const [found, devices, lists] = await Promise.all([
    loadKeys(database, users),
    readRemoteDevices(database, users),
    readRemoteLists(database, users),
  ]);
  for (const row of devices) found.get(row.user_num)?.addDevice({ ...row, device: 0 });
  for (const { user_num, master, self_signing } of lists) {
    for (const [usage, json] of [['master', master] as const, ['self_signing', self_signing] as const]) {
      const key_usage = KEY_USAGES.indexOf(usage);
      if (json !== null) found.get(user_num)?.addCrossSigningKey({ user_num, key_usage, json });
    }
  }
  return found;
}

async function loadSignatures(
  database: Database,
  signers: readonly number[],
): Promise<ReadonlyMap<number, ReadonlyMap<number, UserSignatureRow>>> {
  const found = new Map<number, Map<number, UserSignatureRow>>(signers.map((signer) => [signer, new Map()]));
  for (const row of await readUserSignatures(database, signers)) found.get(row.signer)?.set(row.user_num, row);
  return found;
}

function signaturesBytes(signatures: ReadonlyMap<number, UserSignatureRow>): number {
  // A row has a few numbers, two keys and a signature.
  return 100 + 600 * signatures.size;
}
