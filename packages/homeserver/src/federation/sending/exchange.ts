import { asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { FederationClient } from '../client/federation-client.ts';
import { FederationError } from '../client/federation-error.ts';
import type { SendingCounts } from './sending-counts.ts';
import { type Transaction, transactionBody } from './transaction.ts';

const TIMEOUT_MS = 60_000;
/** The maximum length of an answer: 50 event ids, each with an error. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Sends single transactions. */
export class Exchange {
  readonly #client: Pick<FederationClient, 'request'>;
  readonly #serverName: string;
  readonly #counts: SendingCounts;
  readonly #log: Pick<Log, 'debug'>;

  constructor(
    client: Pick<FederationClient, 'request'>,
    serverName: string,
    counts: SendingCounts,
    log: Pick<Log, 'debug'>,
  ) {
    this.#client = client;
    this.#serverName = serverName;
    this.#counts = counts;
    this.#log = log;
  }

  /** Sends a transaction. Returns the reason why the server has not accepted it; undefined if it has. */
  async send(server: string, transaction: Transaction): Promise<FederationError | undefined> {
    const { id, pdus, edus } = transaction;
    try {
      const answer = await this.#client.request(server, {
        method: 'PUT',
        path: `/_matrix/federation/v1/send/${id}`,
        contentText: transactionBody(this.#serverName, transaction),
        timeoutMs: TIMEOUT_MS,
        answerBytesMax: ANSWER_BYTES_MAX,
      });
      const rejected = Math.min(this.#rejected(server, answer), pdus.length);
      this.#counts.pdus.add(rejected, { outcome: 'rejected' });
      this.#counts.pdus.add(pdus.length - rejected, { outcome: 'accepted' });
      this.#counts.edus.add(edus.length, { outcome: 'accepted' });
      return undefined;
    } catch (error) {
      // The server has accepted the transaction, although its answer cannot be used.
      if (error instanceof FederationError && error.kind === 'over-limit') return undefined;
      if (error instanceof FederationError) return error;
      throw error;
    }
  }

  /** Returns the number of PDUs that the server has rejected. They are not sent again, because it would reject them again. */
  #rejected(server: string, answer: JsonObject): number {
    let count = 0;
    for (const [eventId, result] of Object.entries(asObject(answer.pdus) ?? {})) {
      const error = asString(asObject(result)?.error);
      if (error === undefined) continue;
      count += 1;
      this.#log.debug('another server has rejected an event', { server, eventId, error: error.slice(0, 500) });
    }
    return count;
  }
}
