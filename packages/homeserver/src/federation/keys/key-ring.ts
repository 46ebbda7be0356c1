import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { type VerifyKey, verifyKey } from '@hearth/protocol/signing/ed25519.ts';
import type { KeyValidity } from '@hearth/protocol/signing/key-validity.ts';
import { backOffMs } from '../../platform/back-off.ts';
import { cacheBytes, textBytes } from '../../platform/caches/cache-size.ts';
import { LoadingCache } from '../../platform/caches/loading-cache.ts';
import type { Clock } from '../../platform/clock.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import type { Database } from '../../storage/engine/database.ts';
import { putServerKey, readServerKeys, type ServerKey } from '../../storage/federation/server-keys.ts';
import { newerKey } from './key-answer.ts';
import type { KeyFetcher } from './key-fetcher.ts';
import type { OwnKeys } from './own-keys.ts';

/** Decides whether a key may be used for a signature. */
export type AcceptKey = (key: KeyValidity) => boolean;

/** Called before keys are fetched from another server. It may throw to prevent that. */
export type BeforeFetch = () => void;

interface CachedKey extends ServerKey {
  readonly verifyKey: VerifyKey | undefined;
}

/** The keys of one server. */
interface KeysOfServer {
  readonly byId: Map<string, CachedKey>;
  /** The time before which the keys are not fetched again. */
  nextFetchMs: number;
  failures: number;
}

export interface KeyRingParts {
  readonly database: Database;
  readonly fetcher: KeyFetcher;
  readonly ownKeys: OwnKeys;
  readonly clock: Clock;
}

const SERVERS_MAX = 20_000;
/** A key that a fresh answer does not list is not looked for again within this time. */
const REFETCH_MS = 60_000;
const FAILURE_MS_MIN = 10_000;
const FAILURE_MS_MAX = 10 * 60_000;

/**
 * The signing keys of servers. They are in the database, because old keys verify old events long after their server has
 * gone, and fetched when a key is missing or no longer valid.
 */
export class KeyRing {
  readonly #parts: KeyRingParts;
  readonly #cache: LoadingCache<string, KeysOfServer>;
  readonly #inFlight = new InFlight<string, void>();

  constructor(parts: KeyRingParts) {
    this.#parts = parts;
    this.#cache = new LoadingCache(SERVERS_MAX, { bytesMax: cacheBytes(16), bytesOf: keysBytes }, (server) =>
      load(parts.database, server),
    );
  }

  /**
   * Returns a key of a server if `accept` accepts it. The keys of the server are fetched if they may contain a better
   * answer. Keys of this server need neither storage nor network.
   */
  async find(
    server: ServerName,
    keyId: string,
    accept: AcceptKey,
    beforeFetch?: BeforeFetch,
  ): Promise<VerifyKey | undefined> {
    const { ownKeys } = this.#parts;
    if (server === ownKeys.serverName) return ownKeys.find(keyId, accept);
    const keys = await this.#cache.get(server);
    const known = acceptable(keys.byId.get(keyId), accept);
    if (known !== undefined || !this.#mayFetch(keys)) return known;
    const fetched = await this.#fetch(server, beforeFetch);
    return acceptable(fetched.byId.get(keyId), accept);
  }

  /**
   * Returns the signed answers that list the known keys of a server. They are fetched if none of them is valid until
   * the given time.
   */
  async answersOf(server: ServerName, validUntilTs: number, beforeFetch: BeforeFetch): Promise<ReadonlySet<string>> {
    let keys = await this.#cache.get(server);
    const isValid = [...keys.byId.values()].some((key) => key.validUntilTs >= validUntilTs);
    if (!isValid && this.#mayFetch(keys)) keys = await this.#fetch(server, beforeFetch);
    return new Set([...keys.byId.values()].map(({ json }) => json));
  }

  #mayFetch({ nextFetchMs }: KeysOfServer): boolean {
    return this.#parts.clock.elapsed() >= nextFetchMs;
  }

  /** Fetches the keys of a server. Requests for the same server share one fetch. */
  async #fetch(server: ServerName, beforeFetch: BeforeFetch | undefined): Promise<KeysOfServer> {
    beforeFetch?.();
    await this.#inFlight.run(server, () => this.#refresh(server));
    return this.#cache.get(server);
  }

  async #refresh(server: ServerName): Promise<void> {
    const { fetcher, clock, database } = this.#parts;
    const answer = await fetcher.fetch(server, this);
    const keys = await this.#cache.get(server);
    if (answer === undefined) {
      keys.failures += 1;
      keys.nextFetchMs = clock.elapsed() + backOffMs(keys.failures, FAILURE_MS_MIN, FAILURE_MS_MAX);
      return;
    }
    const chosen = answer.keys.map((key) => newerKey(keys.byId.get(key.keyId), key, answer.source));
    const changed = chosen.filter((key) => keys.byId.get(key.keyId) !== key);
    if (changed.length > 0) await database.commit(changed.map((key) => putServerKey(server, key)));
    this.#cache.update(server, (cached) => {
      for (const key of changed) cached.byId.set(key.keyId, withVerifyKey(key));
      cached.failures = 0;
      cached.nextFetchMs = clock.elapsed() + REFETCH_MS;
    });
  }
}

async function load(database: Database, server: string): Promise<KeysOfServer> {
  const keys = await readServerKeys(database, server);
  return { byId: new Map(keys.map((key) => [key.keyId, withVerifyKey(key)])), nextFetchMs: 0, failures: 0 };
}

function withVerifyKey(key: ServerKey): CachedKey {
  return { ...key, verifyKey: verifyKey(key.publicKey) };
}

function acceptable(key: CachedKey | undefined, accept: AcceptKey): VerifyKey | undefined {
  return key !== undefined && accept(key) ? key.verifyKey : undefined;
}

const KEY_BYTES = 500;

function keysBytes({ byId }: KeysOfServer): number {
  let bytes = KEY_BYTES;
  for (const { json } of byId.values()) bytes += KEY_BYTES + textBytes(json);
  return bytes;
}
