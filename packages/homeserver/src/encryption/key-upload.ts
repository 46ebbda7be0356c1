import { invalidParam, type MatrixError, unknown, userLimitExceeded } from '@hearth/protocol/errors.ts';
import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import {
  type ClaimableKeyRow,
  deleteClaimableKeys,
  insertClaimableKeys,
  ONE_TIME,
  readOneTimeKeys,
  UNUSED_FALLBACK,
} from '../storage/encryption/claimable-keys.ts';
import { putDeviceKeys, readKeysOfDevice } from '../storage/encryption/device-keys.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import { rowNumber } from '../storage/engine/row-numbers.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { ClaimableKeys } from './claimable-keys.ts';
import type { DeviceListChanges } from './device-list-change.ts';
import type { KeyDirectory } from './key-directory.ts';
import { algorithmOf, type KeyStock } from './key-stock.ts';
import {
  checkClaimableKey,
  checkDeviceKeys,
  isSameJson,
  isSameKey,
  type Signer,
  signaturesBy,
  verifiedSignatures,
  withSignatures,
} from './signed-keys.ts';
import { parseKey } from './user-keys.ts';

interface KeyUploadParts {
  readonly database: Database;
  readonly stream: Stream;
  readonly keyDirectory: KeyDirectory;
  readonly claimableKeys: ClaimableKeys;
  readonly deviceListChanges: DeviceListChanges;
}

/** The device whose keys are uploaded. */
export interface KeyOwner {
  readonly user: number;
  readonly userId: string;
  readonly device: number;
  readonly deviceId: string;
}

/** The uploaded keys. One-time and fallback keys are by `algorithm:id`. */
export interface UploadedKeys {
  readonly deviceKeys?: JsonObject | undefined;
  readonly oneTimeKeys?: JsonObject | undefined;
  readonly fallbackKeys?: JsonObject | undefined;
}

/** One-time keys of a device for one algorithm; fifty is usual. */
const ONE_TIME_KEYS_MAX = 500;
/** Algorithms for which a device has one-time or fallback keys; one is usual. */
const ALGORITHMS_MAX = 10;

/** Stores uploaded keys of devices (client-server API, `POST /keys/upload`). An upload is one transaction. */
export class KeyUpload {
  readonly #parts: KeyUploadParts;
  readonly #serial = new Serial<number>();

  constructor(parts: KeyUploadParts) {
    this.#parts = parts;
  }

  /** Performs the checks that need no query. @throws MatrixError */
  check(owner: Omit<KeyOwner, 'user' | 'device'>, keys: UploadedKeys): CheckedKeys {
    return {
      deviceKeys: keys.deviceKeys === undefined ? undefined : checkedDeviceKeys(keys.deviceKeys, owner),
      oneTime: claimable(keys.oneTimeKeys, ONE_TIME_KEYS_MAX),
      fallback: onePerAlgorithm(claimable(keys.fallbackKeys, ALGORITHMS_MAX)),
    };
  }

  /** Stores keys. Returns the number of one-time keys by algorithm. @throws MatrixError */
  async upload(owner: KeyOwner, keys: UploadedKeys): Promise<Record<string, number>> {
    const checked = this.check(owner, keys);
    const { deviceKeys, oneTime, fallback } = checked;
    // Uploads of one device are serialised, because the second one must see the ids of the first one.
    if (deviceKeys !== undefined || oneTime.length > 0 || fallback.length > 0) {
      await this.#serial.run(owner.device, () => this.#store(owner, checked));
    }
    return (await this.#parts.claimableKeys.stockOf(owner.device)).counts();
  }

  async #store(owner: KeyOwner, { deviceKeys, oneTime, fallback }: CheckedKeys): Promise<void> {
    const { stream, keyDirectory, claimableKeys } = this.#parts;
    const { user, device } = owner;
    const stock = await claimableKeys.stockOf(device);
    const { fresh, given } = await this.#sort(device, stock, oneTime);
    checkCounts(stock, fresh, fallback);
    const json = deviceKeys === undefined ? undefined : await this.#changed(owner, deviceKeys);
    if (fresh.length === 0 && fallback.length === 0 && json === undefined) return;
    const position = stream.next();
    const changes: Change[] = [];
    const writes: Write[] = [];
    if (json !== undefined) {
      const listed = this.#parts.deviceListChanges.of(user, position, [{ devices: [device] }]);
      writes.push(putDeviceKeys(device, user, json), ...listed.writes);
      changes.push(listed.change);
    }
    const rows = [...fresh, ...fallback].map(({ keyId, json: text }, i): ClaimableKeyRow => {
      const kind = i < fresh.length ? ONE_TIME : UNUSED_FALLBACK;
      return { num: rowNumber(position, i), device, kind, key_id: keyId, json: text };
    });
    const replaced = [...given, ...stock.fallbackNums(fallback.map(({ keyId }) => algorithmOf(keyId)))];
    if (replaced.length > 0) writes.push(deleteClaimableKeys(replaced));
    if (rows.length > 0) writes.push(insertClaimableKeys(rows));
    await stream.commit(writes, changes, () => {
      claimableKeys.added(device, rows);
      if (json !== undefined) keyDirectory.changed(user);
    });
  }

  /**
   * Returns the new keys, and the claimed keys, which are deleted now. A repeated key has no effect, even if it was
   * claimed since. A different key with the same id is rejected.
   */
  async #sort(device: number, stock: KeyStock, keys: readonly NewKey[]) {
    if (keys.length === 0 || !stock.isOnDisk) return { fresh: keys, given: [] };
    const rows = await readOneTimeKeys(this.#parts.database, device);
    const known = new Map(rows.map((row) => [row.key_id, row]));
    const again = new Set<number>();
    const fresh = keys.filter(({ keyId, json }) => {
      const old = known.get(keyId);
      if (old === undefined) return true;
      const isSame = old.json === json || isSameJson(JSON.parse(old.json) as JsonValue, JSON.parse(json) as JsonValue);
      if (isSame) again.add(old.num);
      // Clients recognise the words of this message.
      else if (stock.has(keyId, old.num))
        throw unknown(`One time key ${keyId} already exists with other contents`, 400);
      return !isSame;
    });
    const given = rows.filter(({ key_id, num }) => !again.has(num) && !stock.has(key_id, num));
    return { fresh, given: given.map(({ num }) => num) };
  }

  /** Returns the device keys to store; undefined if they are stored already, so that their signatures stay. */
  async #changed({ user, userId, device }: KeyOwner, { keys, signer }: CheckedDeviceKeys): Promise<string | undefined> {
    const { database, keyDirectory } = this.#parts;
    const old = await readKeysOfDevice(database, device);
    if (old !== undefined && isSameKey(parseKey(old), keys)) return undefined;
    const own = signaturesBy(keys, userId);
    const signatures: JsonObject = { [signer.keyId]: own[signer.keyId] };
    if (Object.keys(own).length > 1) {
      const selfSigning = (await keyDirectory.one(user)).crossSigner('self_signing');
      Object.assign(signatures, verifiedSignatures(keys, userId, [selfSigning]));
    }
    return JSON.stringify(withSignatures(keys, userId, signatures));
  }
}

/** Checked device keys, with the key that verifies the signatures of the device. */
interface CheckedDeviceKeys {
  readonly keys: JsonObject;
  readonly signer: Signer;
}

function checkedDeviceKeys(keys: JsonObject, owner: { userId: string; deviceId: string }): CheckedDeviceKeys {
  return { keys, signer: checkDeviceKeys(keys, owner) };
}

interface CheckedKeys {
  readonly deviceKeys: CheckedDeviceKeys | undefined;
  readonly oneTime: readonly NewKey[];
  readonly fallback: readonly NewKey[];
}

interface NewKey {
  readonly keyId: string;
  /** The key as JSON text. */
  readonly json: string;
}

/** Checks the number of keys. @throws MatrixError M_USER_LIMIT_EXCEEDED when the device would have too many keys */
function checkCounts(stock: KeyStock, oneTime: readonly NewKey[], fallback: readonly NewKey[]): void {
  const counts = stock.counts();
  for (const { keyId } of oneTime) counts[algorithmOf(keyId)] = (counts[algorithmOf(keyId)] ?? 0) + 1;
  if (Object.values(counts).some((count) => count > ONE_TIME_KEYS_MAX)) {
    throw tooMany(`A device has no more than ${ONE_TIME_KEYS_MAX} one-time keys of an algorithm`);
  }
  const algorithms = new Set([
    ...stock.algorithms(),
    ...[...oneTime, ...fallback].map(({ keyId }) => algorithmOf(keyId)),
  ]);
  if (algorithms.size > ALGORITHMS_MAX) throw tooMany(`A device has keys of no more than ${ALGORITHMS_MAX} algorithms`);
}

function tooMany(message: string): MatrixError {
  return userLimitExceeded('about:blank', false, message);
}

/**
 * Checks that there is "at most one key per algorithm" (client-server API, `POST /keys/upload`).
 * @throws MatrixError M_INVALID_PARAM
 */
function onePerAlgorithm(keys: readonly NewKey[]): readonly NewKey[] {
  if (new Set(keys.map(({ keyId }) => algorithmOf(keyId))).size === keys.length) return keys;
  throw invalidParam('Only one fallback key is allowed for each algorithm');
}

/** Returns the checked one-time or fallback keys. @throws MatrixError M_INVALID_PARAM */
function claimable(keys: JsonObject | undefined, max: number): readonly NewKey[] {
  if (keys === undefined) return [];
  const entries = Object.entries(keys);
  if (entries.length > max) throw invalidParam(`A request may have at most ${max} keys`);
  return entries.map(([keyId, key]) => ({ keyId, json: checkClaimableKey(keyId, key) }));
}
