import { isObject, member } from '@hearth/protocol/json/value.ts';
import { withSignature } from '@hearth/protocol/signing/json.ts';
import type { UserSignatureRow } from '../storage/encryption/cross-signing.ts';
import type { Names } from '../storage/engine/names.ts';
import type { KeyDirectory } from './key-directory.ts';
import { parseKey, type UserKeys } from './user-keys.ts';

/** Device ids by user id; an empty list of device ids stands for all devices. */
export type WantedDevices = ReadonlyMap<string, readonly string[]>;

/** The members of an answer of `/keys/query`. Each is the JSON text between the braces of an object by user id. */
export interface KeyTexts {
  readonly devices: string;
  readonly masters: string;
  readonly selfSigning: string;
  readonly userSigning: string;
}

/** The keys that a reader sees besides those that everybody sees. */
export interface KeyReader {
  /** The user who gets the own user-signing key and the own signatures on keys of others; undefined for a server. */
  readonly user: { readonly user: number; readonly userId: string } | undefined;
  readonly showsDeviceNames: boolean;
}

const NO_SIGNATURES: ReadonlyMap<number, UserSignatureRow> = new Map();

/** The public keys of users of this server (client-server API, `POST /keys/query`). */
export class KeyQueries {
  readonly #names: Names;
  readonly #keyDirectory: KeyDirectory;

  constructor(names: Names, keyDirectory: KeyDirectory) {
    this.#names = names;
    this.#keyDirectory = keyDirectory;
  }

  /**
   * Returns the keys of users of this server as the reader may see them: with signatures of the owner and those of the
   * reader, so that nobody learns who has verified whom.
   */
  async query({ user: caller, showsDeviceNames }: KeyReader, wanted: WantedDevices): Promise<KeyTexts> {
    const nums = await this.#names.findAll(wanted.keys());
    const found = await this.#keyDirectory.of(nums.values());
    const signatures = caller === undefined ? NO_SIGNATURES : await this.#keyDirectory.signaturesBy(caller.user);
    let devices = '';
    let masters = '';
    let selfSigning = '';
    let userSigning = '';
    for (const [userId, deviceIds] of wanted) {
      const user = nums.get(userId) ?? 0;
      const keys = found.get(user);
      const name = JSON.stringify(userId);
      devices += entry(devices, name, keys?.devicesText(deviceIds, showsDeviceNames) ?? '{}');
      if (keys === undefined || !keys.hasCrossSigning) continue;
      masters += entry(masters, name, masterText(keys, caller?.userId, signatures.get(user)));
      selfSigning += entry(selfSigning, name, keys.crossSigningText('self_signing'));
      if (user === caller?.user) userSigning = entry('', name, keys.crossSigningText('user_signing'));
    }
    return { devices, masters, selfSigning, userSigning };
  }
}

/** Returns the text of an object with one more member. `before` is the text so far. */
function entry(before: string, name: string, text: string | undefined): string {
  if (text === undefined) return '';
  return before === '' ? `${name}:${text}` : `,${name}:${text}`;
}

/** Returns the master key, with the caller's signature if it is a signature of this key. */
function masterText(
  keys: UserKeys,
  callerId: string | undefined,
  signature: UserSignatureRow | undefined,
): string | undefined {
  const text = keys.crossSigningText('master');
  if (text === undefined || signature === undefined || callerId === undefined) return text;
  const master = parseKey(text);
  const publicKeys = master.keys;
  if (!isObject(publicKeys) || member(publicKeys, `ed25519:${signature.master_key}`) === undefined) return text;
  const { signing_key, signature: value } = signature;
  return JSON.stringify({ ...master, signatures: withSignature(master.signatures, callerId, signing_key, value) });
}
