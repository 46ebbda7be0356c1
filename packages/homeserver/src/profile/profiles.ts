import { notFound } from '@hearth/protocol/errors.ts';
import { asString, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LoadingCache } from '../platform/caches/loading-cache.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import { deleteProfile, deleteProfileField, readProfile, setProfileField } from '../storage/accounts/profiles.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Accounts } from '../users/accounts.ts';
import { checkKeyName, checkSize, checkValue } from './fields.ts';

/** The part of a profile that member events repeat. */
export interface MemberFields {
  readonly displayname?: string;
  readonly avatar_url?: string;
}

/** A listener for changes of the fields that member events repeat. It must not throw. */
export type ProfileChanged = (user: number, userId: string, fields: MemberFields) => void;

const CACHED_MAX = 20_000;
const MEMBER_FIELDS: ReadonlySet<string> = new Set(['displayname', 'avatar_url']);

/** Profiles of the users of this server (client-server API, "Profiles"). */
export class Profiles {
  readonly #database: Database;
  readonly #accounts: Accounts;
  readonly #createsUser: (userId: string) => Promise<boolean>;
  readonly #cache: LoadingCache<number, Map<string, string>>;
  readonly #serial = new Serial<number>();
  readonly #listeners: ProfileChanged[] = [];

  /** @param createsUser returns whether an application service has created a user who did not exist */
  constructor(database: Database, accounts: Accounts, createsUser: (userId: string) => Promise<boolean>) {
    this.#database = database;
    this.#accounts = accounts;
    this.#createsUser = createsUser;
    this.#cache = new LoadingCache(CACHED_MAX, { bytesMax: cacheBytes(16), bytesOf: fieldsBytes }, (user) =>
      readProfile(database, user),
    );
  }

  /** Calls `changed` after each change of a display name or avatar. */
  onChange(changed: ProfileChanged): void {
    this.#listeners.push(changed);
  }

  /** Returns a whole profile. @throws MatrixError M_NOT_FOUND */
  async of(userId: string): Promise<JsonObject> {
    const profile: JsonObject = {};
    for (const [keyName, value] of await this.#fieldsOf(userId)) profile[keyName] = parse(value);
    return profile;
  }

  /** Returns one field of a profile. @throws MatrixError M_NOT_FOUND */
  async field(userId: string, keyName: string): Promise<JsonValue> {
    const value = (await this.#fieldsOf(userId)).get(keyName);
    if (value === undefined) throw notFound('The profile has no such field');
    return parse(value);
  }

  /** Returns the fields of a local user that member events repeat. */
  async memberFields(user: number): Promise<MemberFields> {
    return memberFieldsOf(await this.#cache.get(user));
  }

  /** Returns the same as {@link memberFields} for a user id; no fields for a user without an account here. */
  async profileOf(userId: string): Promise<MemberFields> {
    const account = await this.#accounts.findOrCreate(userId, this.#createsUser);
    return account === undefined ? {} : this.memberFields(account.user);
  }

  /** Sets a field. An empty display name or avatar is removed. @throws MatrixError */
  async set(user: number, userId: string, keyName: string, value: JsonValue): Promise<void> {
    checkKeyName(keyName);
    checkValue(keyName, value);
    if (MEMBER_FIELDS.has(keyName) && value === '') return this.delete(user, userId, keyName);
    await this.#serial.run(user, async () => {
      const text = JSON.stringify(value);
      const fields = await this.#cache.get(user);
      if (fields.get(keyName) === text) return;
      checkSize(new Map(fields).set(keyName, text));
      await this.#database.commit([setProfileField(user, keyName, text)]);
      this.#cache.update(user, (cached) => cached.set(keyName, text));
      await this.#announce(user, userId, keyName);
    });
  }

  /** Deletes a field if it exists. @throws MatrixError */
  async delete(user: number, userId: string, keyName: string): Promise<void> {
    checkKeyName(keyName);
    await this.#serial.run(user, async () => {
      if (!(await this.#cache.get(user)).has(keyName)) return;
      await this.#database.commit([deleteProfileField(user, keyName)]);
      this.#cache.update(user, (cached) => cached.delete(keyName));
      await this.#announce(user, userId, keyName);
    });
  }

  /** Deletes a whole profile without changing member events. */
  async forget(user: number): Promise<void> {
    await this.#serial.run(user, async () => {
      await this.#database.commit([deleteProfile(user)]);
      this.#cache.delete(user);
    });
  }

  async #fieldsOf(userId: string): Promise<ReadonlyMap<string, string>> {
    const account = await this.#accounts.findOrCreate(userId, this.#createsUser);
    if (account === undefined || account.isDeactivated) throw notFound('The user does not exist');
    return this.#cache.get(account.user);
  }

  async #announce(user: number, userId: string, keyName: string): Promise<void> {
    if (!MEMBER_FIELDS.has(keyName)) return;
    const fields = await this.memberFields(user);
    for (const changed of this.#listeners) changed(user, userId, fields);
  }
}

function memberFieldsOf(fields: ReadonlyMap<string, string>): MemberFields {
  const displayname = asString(parse(fields.get('displayname') ?? 'null'));
  const avatar = asString(parse(fields.get('avatar_url') ?? 'null'));
  return { ...(displayname !== undefined && { displayname }), ...(avatar !== undefined && { avatar_url: avatar }) };
}

/** Parses a stored value, which was checked before it was stored. */
function parse(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
}

function fieldsBytes(fields: ReadonlyMap<string, string>): number {
  let bytes = 100;
  for (const [name, value] of fields) bytes += 100 + textBytes(name) + textBytes(value);
  return bytes;
}
