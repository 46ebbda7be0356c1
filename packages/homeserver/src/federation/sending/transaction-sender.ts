import { parseJson } from '@hearth/protocol/json/parse.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { backOffMs } from '../../platform/back-off.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { KeyedTasks } from '../../platform/concurrency/keyed-tasks.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Database } from '../../storage/engine/database.ts';
import {
  deleteOldOutgoingEdus,
  deleteOutgoingEdus,
  type OutgoingEdu,
  readOutgoingEdus,
  readServersWithEdus,
} from '../../storage/federation/outgoing-edus.ts';
import type { Destinations } from '../client/destinations.ts';
import type { FederationClient } from '../client/federation-client.ts';
import { FederationError } from '../client/federation-error.ts';

interface Parts {
  readonly database: Database;
  readonly client: Pick<FederationClient, 'request'>;
  readonly destinations: Destinations;
  readonly clock: Clock;
  readonly background: Background;
  readonly log: Pick<Log, 'warn'>;
  readonly serverName: string;
}

/** The specification permits 100 EDUs in a transaction. */
const EDUS_MAX = 100;
/** The length of a transaction in characters. A transaction has at least one EDU. */
const LENGTH_MAX = 512 * 1024;
const TIMEOUT_MS = 60_000;
/** The time until a server that has refused a transaction gets it again. It doubles with each refusal. */
const REFUSED_MS_MIN = 60_000;
const REFUSED_MS_MAX = 60 * 60_000;
/** The time to wait when too many requests are waiting. */
const BUSY_MS = 1_000;
/** The number of EDUs in memory that wait for one server. The oldest are dropped first. */
const VOLATILE_MAX = 200;
/** The number of servers to which transactions are sent at the same time, limited further by `FederationClient`. */
const SERVERS_MAX = 1_000;

/**
 * Sends the EDUs that wait for other servers (server-server API, "Transactions"): one transaction at a time for each
 * server, in order. A stored EDU stays on disk until the server has accepted it.
 */
export class TransactionSender {
  readonly #parts: Parts;
  readonly #tasks: KeyedTasks<string>;
  /** The EDUs that are not stored, by server and key. */
  readonly #volatile = new Map<string, Map<string, JsonObject>>();
  /** The numbers of refusals since the last accepted transaction. */
  readonly #refusals = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
    const { clock, background, destinations } = parts;
    const limits = { runningMax: SERVERS_MAX, errorWaitMs: REFUSED_MS_MIN };
    this.#tasks = new KeyedTasks({ clock, background, name: 'sending to other servers', ...limits }, (server) =>
      this.#run(server),
    );
    destinations.onAlive((server) => this.#tasks.endWait(server));
  }

  /** Sends what was queued before the start of the process. */
  async start(): Promise<void> {
    this.wake(await readServersWithEdus(this.#parts.database));
  }

  /** Sends the EDUs for servers, now or at the end of the wait after a failure. */
  wake(servers: Iterable<string>): void {
    this.#tasks.wake(servers);
  }

  /**
   * Queues an EDU that is lost when the process ends or the server does not answer: typing, receipts, presence. It
   * replaces a waiting EDU with the same key. Callers pass the same object for all servers that get the EDU.
   */
  queueEdu(server: string, key: string, edu: JsonObject): void {
    const edus = this.#volatile.get(server) ?? new Map<string, JsonObject>();
    this.#volatile.set(server, edus.set(key, edu));
    if (edus.size > VOLATILE_MAX) for (const oldest of edus.keys().take(1)) edus.delete(oldest);
    this.wake([server]);
  }

  /** Deletes EDUs that could not be sent for a long time. */
  async expire(beforeTs: number): Promise<void> {
    await this.#parts.database.commit([deleteOldOutgoingEdus(beforeTs)]);
  }

  close(): void {
    this.#tasks.close();
  }

  /** Sends transactions until no EDU waits. Returns the time to wait if the server does not accept one. */
  async #run(server: string): Promise<number | undefined> {
    const { database, destinations } = this.#parts;
    while (!this.#tasks.isClosed) {
      const waitMs = destinations.waitMs(server);
      if (waitMs > 0) return waitMs;
      const edus = fitting(await readOutgoingEdus(database, server, EDUS_MAX));
      const volatile = [...(this.#volatile.get(server)?.values() ?? [])].slice(0, EDUS_MAX - edus.length);
      this.#volatile.delete(server);
      const last = edus.at(-1);
      if (last === undefined && volatile.length === 0) return undefined;
      const failure = await this.#send(server, edus, volatile);
      if (failure !== undefined && failure.kind !== 'not-permitted') return this.#delayAfter(server, failure);
      this.#refusals.delete(server);
      if (last !== undefined) await database.commit([deleteOutgoingEdus(server, last.num)]);
    }
    return undefined;
  }

  async #send(
    server: string,
    edus: readonly OutgoingEdu[],
    volatile: readonly JsonObject[],
  ): Promise<FederationError | undefined> {
    const { client, clock, serverName } = this.#parts;
    const ts = edus.at(-1)?.ts ?? clock.now();
    // A repeated transaction has the same id.
    const path = `/_matrix/federation/v1/send/${edus[0]?.num}-${edus.at(-1)?.num}-${ts}`;
    const content: JsonObject = {
      origin: serverName,
      origin_server_ts: ts,
      pdus: [],
      edus: [...edus.map(({ json }) => parseJson(json)), ...volatile],
    };
    try {
      await client.request(server, { method: 'PUT', path, content, timeoutMs: TIMEOUT_MS });
      return undefined;
    } catch (error) {
      if (error instanceof FederationError) return error;
      throw error;
    }
  }

  #delayAfter(server: string, failure: FederationError): number {
    if (failure.kind !== 'refused') return Math.max(this.#parts.destinations.waitMs(server), BUSY_MS);
    const refusals = (this.#refusals.get(server) ?? 0) + 1;
    this.#refusals.set(server, refusals);
    const waitMs = backOffMs(refusals, REFUSED_MS_MIN, REFUSED_MS_MAX);
    this.#parts.log.warn('another server refuses messages to its users', { server, reason: failure.message, waitMs });
    return waitMs;
  }
}

/** Returns the first EDUs that fit into a transaction. */
function fitting(edus: readonly OutgoingEdu[]): OutgoingEdu[] {
  const chosen: OutgoingEdu[] = [];
  let length = 0;
  for (const edu of edus) {
    length += edu.json.length;
    if (chosen.length > 0 && length > LENGTH_MAX) break;
    chosen.push(edu);
  }
  return chosen;
}
