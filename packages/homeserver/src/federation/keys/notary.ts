import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asObject, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { signJson } from '@hearth/protocol/signing/json.ts';
import type { Clock } from '../../platform/clock.ts';
import type { BeforeFetch, KeyRing } from './key-ring.ts';
import type { OwnKeys } from './own-keys.ts';

/** The keys that somebody asks a notary for. */
export interface KeyCriteria {
  readonly server: string;
  /** The ids of the wanted keys; empty for all keys. */
  readonly keyIds: readonly string[];
  /** Until when the answer has to be valid; undefined for now. */
  readonly validUntilTs: number | undefined;
}

/** Answers for the keys of other servers, signed by this one in addition (server-server API, "Querying Keys Through Another Server"). */
export class Notary {
  readonly #ownKeys: OwnKeys;
  readonly #keyRing: KeyRing;
  readonly #clock: Clock;

  constructor(ownKeys: OwnKeys, keyRing: KeyRing, clock: Clock) {
    this.#ownKeys = ownKeys;
    this.#keyRing = keyRing;
    this.#clock = clock;
  }

  /**
   * Returns the signed answers of servers. Servers whose keys nobody has are left out. `beforeFetch` is called for each
   * server whose keys have to be fetched.
   */
  async query(criteria: readonly KeyCriteria[], beforeFetch: BeforeFetch): Promise<JsonObject[]> {
    const answers = await Promise.all(criteria.map((each) => this.#answersOf(each, beforeFetch)));
    return answers.flat();
  }

  async #answersOf({ server, keyIds, validUntilTs }: KeyCriteria, beforeFetch: BeforeFetch): Promise<JsonObject[]> {
    const name = parseServerName(server);
    if (name === undefined) return [];
    if (name === this.#ownKeys.serverName) return [this.#ownKeys.published()];
    const texts = await this.#keyRing.answersOf(name, validUntilTs ?? this.#clock.now(), beforeFetch);
    const answers = [...texts].map((text) => JSON.parse(text) as unknown).filter(isObject);
    const wanted = answers.filter((answer) => keyIds.length === 0 || keyIds.some((keyId) => lists(answer, keyId)));
    return wanted.map((answer) => signJson(answer, this.#ownKeys.serverName, this.#ownKeys.signingKey));
  }
}

function lists({ verify_keys: current, old_verify_keys: old }: JsonObject, keyId: string): boolean {
  return [current, old].some((keys) => Object.hasOwn(asObject(keys) ?? {}, keyId));
}
