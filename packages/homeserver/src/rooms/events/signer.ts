import { SEED_BYTES, type SigningKey, signingKeyFromSeed } from '@hearth/protocol/signing/ed25519.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import { insertSigningKey, readSigningKeys, type StoredSigningKey } from '../../storage/rooms/signing-keys.ts';

/** The server name and key with which events are signed. */
export interface Signer {
  readonly serverName: string;
  readonly key: SigningKey;
  /** The key's id as a number of `names.ts`. */
  readonly keyNum: number;
}

const KEY_ID_LETTERS = 6;

/** Returns the server's newest signing key. The first start creates one. */
export async function openSigner(
  serverName: string,
  { database, names, clock, random }: { database: Database; names: Names; clock: Clock; random: Random },
): Promise<Signer> {
  const [newest] = await readSigningKeys(database);
  const used = newest ?? newKey(clock, random);
  const keyNum = await names.reserve(used.keyId);
  const writes = [...names.inserts(keyNum), ...(newest === undefined ? [insertSigningKey(used)] : [])];
  if (writes.length > 0) await database.commit(writes);
  return { serverName, key: signingKeyFromSeed(used.seed, used.keyId), keyNum };
}

function newKey(clock: Clock, random: Random): StoredSigningKey {
  const keyId = `ed25519:${randomText(random, KEY_ID_LETTERS)}`;
  return { keyId, seed: random.bytes(SEED_BYTES), createdTs: clock.now() };
}
