import { unknown } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { isObject, type JsonObject, member } from '@hearth/protocol/json/value.ts';
import { withSignature } from '@hearth/protocol/signing/json.ts';
import type { UserSignatureRow } from '../storage/encryption/cross-signing.ts';
import type { Names } from '../storage/engine/names.ts';
import type { KeyDirectory } from './key-directory.ts';
import { parseKey, type UserKeys } from './user-keys.ts';

/** The public keys of users (client-server API, `POST /keys/query`). */
export class KeyQueries {
  readonly #names: Names;
  readonly #keyDirectory: KeyDirectory;
  readonly #serverName: string;

  constructor(names: Names, keyDirectory: KeyDirectory, serverName: string) {
    this.#names = names;
    this.#keyDirectory = keyDirectory;
    this.#serverName = serverName;
  }

  /**
   * Returns the keys of users as the caller may see them, as JSON text: with signatures of the owner and those of the
   * caller, so that nobody learns who has verified whom.
   * @param wanted the device ids by user id; no device ids stand for all
   */
  async query(
    caller: { readonly user: number; readonly userId: string },
    wanted: ReadonlyMap<string, readonly string[]>,
  ): Promise<string> {
    const { local, failures } = byServer(wanted.keys(), this.#serverName);
    const nums = await this.#names.findAll(local);
    const found = await this.#keyDirectory.of(nums.values());
    const signatures = await this.#keyDirectory.signaturesBy(caller.user);
    let devices = '';
    let masters = '';
    let selfSigning = '';
    let userSigning = '';
    for (const userId of local) {
      const user = nums.get(userId) ?? 0;
      const keys = found.get(user);
      const name = JSON.stringify(userId);
      devices += entry(devices, name, keys === undefined ? '{}' : devicesOf(keys, wanted.get(userId)));
      if (keys === undefined || !keys.hasCrossSigning) continue;
      masters += entry(masters, name, masterText(keys, caller.userId, signatures.get(user)));
      selfSigning += entry(selfSigning, name, keys.crossSigningText('self_signing'));
      if (user === caller.user) userSigning = entry('', name, keys.crossSigningText('user_signing'));
    }
    const others = `"self_signing_keys":{${selfSigning}},"user_signing_keys":{${userSigning}}`;
    return `{"device_keys":{${devices}},"master_keys":{${masters}},${others},"failures":${JSON.stringify(failures)}}`;
  }
}

/** Returns the users of this server, and the failures of the servers of the other users. */
export function byServer(
  userIds: Iterable<string>,
  serverName: string,
): { readonly local: readonly string[]; readonly failures: JsonObject } {
  const local: string[] = [];
  const failures: JsonObject = {};
  for (const userId of userIds) {
    const server = domainOf(userId);
    if (server === serverName) local.push(userId);
    else if (server !== undefined) failures[server] = unknown('The server of the user cannot be reached', 503).body();
  }
  return { local, failures };
}

function devicesOf(keys: UserKeys, deviceIds: readonly string[] = []): string {
  return deviceIds.length === 0 ? keys.devicesText : keys.devicesTextOf(deviceIds);
}

/** Returns the text of an object with one more member. `before` is the text so far. */
function entry(before: string, name: string, text: string | undefined): string {
  if (text === undefined) return '';
  return before === '' ? `${name}:${text}` : `,${name}:${text}`;
}

/** Returns the master key, with the caller's signature if it is a signature of this key. */
function masterText(keys: UserKeys, callerId: string, signature: UserSignatureRow | undefined): string | undefined {
  const text = keys.crossSigningText('master');
  if (text === undefined || signature === undefined) return text;
  const master = parseKey(text);
  const publicKeys = master.keys;
  if (!isObject(publicKeys) || member(publicKeys, `ed25519:${signature.master_key}`) === undefined) return text;
  const { signing_key, signature: value } = signature;
  return JSON.stringify({ ...master, signatures: withSignature(master.signatures, callerId, signing_key, value) });
}
