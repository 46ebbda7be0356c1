import { notFound } from '@hearth/protocol/errors.ts';
import { serverOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { type JsonObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';
import type { Profiles } from './profiles.ts';
import type { RemoteProfiles } from './remote-profiles.ts';

/** Profiles of all users, of this server and of others. */
export class ProfileLookup {
  readonly #profiles: Profiles;
  readonly #remote: RemoteProfiles | undefined;
  readonly #serverName: string;

  /** @param remote the profiles of other servers; undefined if the server does not federate */
  constructor(profiles: Profiles, remote: RemoteProfiles | undefined, serverName: string) {
    this.#profiles = profiles;
    this.#remote = remote;
    this.#serverName = serverName;
  }

  /** Returns a whole profile. @throws MatrixError */
  of(userId: string): Promise<JsonObject> {
    return this.#remoteOf(userId) ?? this.#profiles.of(userId);
  }

  /** Returns one field of a profile. @throws MatrixError */
  async field(userId: string, keyName: string): Promise<JsonValue> {
    const remote = this.#remoteOf(userId);
    if (remote === undefined) return this.#profiles.field(userId, keyName);
    const value = member(await remote, keyName);
    if (value === undefined) throw notFound('The profile has no such field');
    return value;
  }

  /** Returns the profile of a user of another server; undefined for other users. */
  #remoteOf(userId: string): Promise<JsonObject> | undefined {
    const parsed = parseUserId(userId);
    const server = parsed && serverOf(parsed);
    return server === undefined || server === this.#serverName ? undefined : this.#remote?.of(userId, server);
  }
}
