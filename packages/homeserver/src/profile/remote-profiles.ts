import { isNamespacedIdentifier } from '@hearth/protocol/identifiers/common.ts';
import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import type { FederationClient } from '../federation/client/federation-client.ts';
import { remoteFailure } from '../federation/client/remote-failure.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { Clock } from '../platform/clock.ts';
import { InFlight } from '../platform/concurrency/in-flight.ts';
import { PROFILE_BYTES_MAX } from './fields.ts';

interface Cached {
  readonly text: string;
  readonly untilMs: number;
}

const CACHED_MAX = 10_000;
const KEPT_MS = 60_000;
const TIMEOUT_MS = 15_000;
const TEXT_FIELDS: ReadonlySet<string> = new Set(['displayname', 'avatar_url']);

/** Profiles of users of other servers, cached for a minute. */
export class RemoteProfiles {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #clock: Clock;
  readonly #cached = new LruMap<string, Cached>(CACHED_MAX, {
    bytesMax: cacheBytes(4),
    bytesOf: ({ text }) => textBytes(text),
  });
  readonly #inFlight = new InFlight<string, string>();

  constructor(client: Pick<FederationClient, 'request'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Returns the whole profile of a user of a server. @throws MatrixError if the server does not return it */
  async of(userId: string, server: string): Promise<JsonObject> {
    const cached = this.#cached.get(userId);
    const isFresh = cached !== undefined && this.#clock.elapsed() < cached.untilMs;
    const text = isFresh ? cached.text : await this.#inFlight.run(userId, () => this.#fetch(userId, server));
    return JSON.parse(text) as JsonObject;
  }

  async #fetch(userId: string, server: string): Promise<string> {
    const path = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(userId)}`;
    const limits = { timeoutMs: TIMEOUT_MS, answerBytesMax: PROFILE_BYTES_MAX };
    try {
      const profile = await this.#client.request(server, { method: 'GET', path, ...limits });
      const text = JSON.stringify(Object.fromEntries(Object.entries(profile).filter(isValidField)));
      this.#cached.set(userId, { text, untilMs: this.#clock.elapsed() + KEPT_MS });
      return text;
    } catch (error) {
      throw remoteFailure(error, server);
    }
  }
}

/** Returns whether a field is one that clients expect. Some servers send `null` for a missing display name. */
function isValidField([name, value]: readonly [string, JsonValue | undefined]): boolean {
  return isNamespacedIdentifier(name) && (TEXT_FIELDS.has(name) ? typeof value === 'string' : value !== null);
}
