import { isNamespacedIdentifier } from '@hearth/protocol/identifiers/common.ts';
import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../federation/client/federation-client.ts';
import { remoteFailure } from '../federation/client/remote-failure.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { ExpiringCache } from '../platform/caches/expiring-cache.ts';
import type { Clock } from '../platform/clock.ts';
import { PROFILE_BYTES_MAX } from './fields.ts';

const CACHED_MAX = 10_000;
const KEPT_MS = 60_000;
const TIMEOUT_MS = 15_000;
const TEXT_FIELDS: ReadonlySet<string> = new Set(['displayname', 'avatar_url']);

/** Profiles of users of other servers, cached for a minute. */
export class RemoteProfiles {
  readonly #client: Pick<FederationClient, 'request'>;
  /** Profiles as JSON texts. */
  readonly #cached: ExpiringCache<string>;

  constructor(client: Pick<FederationClient, 'request'>, clock: Clock) {
    this.#client = client;
    this.#cached = new ExpiringCache(clock, CACHED_MAX, { bytesMax: cacheBytes(4), bytesOf: textBytes });
  }

  /** Returns the whole profile of a user of a server. @throws MatrixError if the server does not return it */
  async of(userId: string, server: string): Promise<JsonObject> {
    const text = await this.#cached.get(userId, async () => ({
      value: await this.#fetch(userId, server),
      keptMs: KEPT_MS,
    }));
    return JSON.parse(text) as JsonObject;
  }

  /** Returns the profile of a user as it is now. @throws MatrixError if the server does not return it */
  async latest(userId: string, server: string): Promise<JsonObject> {
    return JSON.parse(await this.#fetch(userId, server)) as JsonObject;
  }

  async #fetch(userId: string, server: string): Promise<string> {
    const path = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(userId)}`;
    const limits = { timeoutMs: TIMEOUT_MS, answerBytesMax: PROFILE_BYTES_MAX };
    try {
      const profile = await this.#client.request(server, { method: 'GET', path, ...limits });
      return JSON.stringify(Object.fromEntries(Object.entries(profile).filter(isValidField)));
    } catch (error) {
      throw remoteFailure(error, server);
    }
  }
}

/** Returns whether a field is one that clients expect. Some servers send `null` for a missing display name. */
function isValidField([name, value]: readonly [string, JsonValue | undefined]): boolean {
  return isNamespacedIdentifier(name) && (TEXT_FIELDS.has(name) ? typeof value === 'string' : value !== null);
}
