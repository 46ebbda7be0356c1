import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asArray, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { signingKeyIds, verifyJsonWithKey } from '@hearth/protocol/signing/json.ts';
import type { Clock } from '../../platform/clock.ts';
import type { ServerKey } from '../../storage/federation/server-keys.ts';
import type { FederationClient } from '../client/federation-client.ts';
import { FederationError } from '../client/federation-error.ts';
import { ANSWER_BYTES_MAX, type AnswerSource, parseKeyAnswer } from './key-answer.ts';
import type { KeyRing } from './key-ring.ts';
import { isValidNow } from './valid-now.ts';

/** The keys of a server, as it or a notary has stated them. */
export interface FetchedKeys {
  readonly keys: readonly ServerKey[];
  readonly source: AnswerSource;
}

/** The time includes that for a host whose `.well-known` does not answer. */
const TIMEOUT_MS = 15_000;

/** Fetches the keys of servers: from the server itself, then from the configured notaries. */
export class KeyFetcher {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #clock: Clock;
  readonly #notaries: readonly ServerName[];

  constructor(client: Pick<FederationClient, 'request'>, clock: Clock, notaries: readonly ServerName[]) {
    this.#client = client;
    this.#clock = clock;
    this.#notaries = notaries;
  }

  /** Fetches the keys of a server. `ring` has the keys of the notaries. Returns undefined if nobody has them. */
  async fetch(server: ServerName, ring: Pick<KeyRing, 'find'>): Promise<FetchedKeys | undefined> {
    const answer = await this.#ask(server, { method: 'GET', path: '/_matrix/key/v2/server' });
    const own = answer && parseKeyAnswer(answer, server, this.#clock.now());
    if (own !== undefined) return { keys: own, source: 'server' };
    // A notary is asked only for the keys of other servers, so that a search for keys never leads back to itself.
    if (this.#notaries.includes(server)) return undefined;
    for (const notary of this.#notaries) {
      const keys = await this.#fromNotary(server, notary, ring);
      if (keys.length > 0) return { keys, source: 'notary' };
    }
    return undefined;
  }

  async #fromNotary(server: ServerName, notary: ServerName, ring: Pick<KeyRing, 'find'>): Promise<ServerKey[]> {
    const content = { server_keys: { [server]: {} } };
    const answer = await this.#ask(notary, { method: 'POST', path: '/_matrix/key/v2/query', content });
    const answers = (asArray(answer?.server_keys) ?? []).filter(isObject);
    const keys = await Promise.all(
      answers.map(async (one) => {
        const parsed = parseKeyAnswer(one, server, this.#clock.now());
        return parsed !== undefined && (await this.#isSignedBy(notary, one, ring)) ? parsed : [];
      }),
    );
    return keys.flat();
  }

  async #isSignedBy(notary: ServerName, answer: JsonObject, ring: Pick<KeyRing, 'find'>): Promise<boolean> {
    for (const keyId of signingKeyIds(answer, notary)) {
      const key = await ring.find(notary, keyId, isValidNow(this.#clock));
      if (key !== undefined && verifyJsonWithKey(answer, notary, keyId, key)) return true;
    }
    return false;
  }

  async #ask(
    server: ServerName,
    request: { readonly method: 'GET' | 'POST'; readonly path: string; readonly content?: JsonObject },
  ): Promise<JsonObject | undefined> {
    try {
      const limits = { timeoutMs: TIMEOUT_MS, answerBytesMax: ANSWER_BYTES_MAX, isForKeys: true } as const;
      return await this.#client.request(server, { ...request, ...limits });
    } catch (error) {
      if (error instanceof FederationError) return undefined;
      throw error;
    }
  }
}
