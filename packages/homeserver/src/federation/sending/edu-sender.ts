import { parseJson } from '@hearth/protocol/json/parse.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
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

/** The state of a server for which EDUs wait. */
interface Queue {
  isRunning: boolean;
  /** Whether EDUs were added since the last read. */
  isDirty: boolean;
  refusals: number;
  timer: { cancel(): void } | undefined;
}

/**
 * Sends the EDUs that wait for other servers (server-server API, "Transactions"): one transaction at a time for each
 * server, in order. An EDU stays on disk until the server has accepted it.
 */
export class EduSender {
  readonly #parts: Parts;
  readonly #queues = new Map<string, Queue>();
  #isClosed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.destinations.onAlive((server) => {
      if (this.#queues.get(server)?.timer !== undefined) this.wake(server);
    });
  }

  /** Sends what was queued before the start of the process. */
  async start(): Promise<void> {
    for (const server of await readServersWithEdus(this.#parts.database)) this.wake(server);
  }

  /** Sends the EDUs for a server, now or when its back-off ends. */
  wake(server: string): void {
    const queue = this.#queues.get(server) ?? { isRunning: false, isDirty: false, refusals: 0, timer: undefined };
    this.#queues.set(server, queue);
    queue.isDirty = true;
    if (queue.isRunning || this.#isClosed) return;
    queue.timer?.cancel();
    queue.timer = undefined;
    queue.isRunning = true;
    this.#parts.background.start('sending to other servers', () => this.#run(server, queue));
  }

  /** Deletes EDUs that could not be sent for a long time. */
  async expire(beforeTs: number): Promise<void> {
    await this.#parts.database.commit([deleteOldOutgoingEdus(beforeTs)]);
  }

  close(): void {
    this.#isClosed = true;
    for (const { timer } of this.#queues.values()) timer?.cancel();
  }

  async #run(server: string, queue: Queue): Promise<void> {
    // After an unexpected error, for example of the database, the queue is tried again like after a refusal.
    let waitMs: number | undefined = REFUSED_MS_MIN;
    try {
      waitMs = await this.#sendAll(server, queue);
    } finally {
      queue.isRunning = false;
      // EDUs may have been added after the last read.
      if (waitMs === undefined && !queue.isDirty) this.#queues.delete(server);
      else if (!this.#isClosed) queue.timer = this.#parts.clock.after(waitMs ?? 0, () => this.wake(server));
    }
  }

  /** Sends transactions until no EDU waits. Returns the time to wait if the server does not accept one. */
  async #sendAll(server: string, queue: Queue): Promise<number | undefined> {
    const { database, destinations } = this.#parts;
    while (!this.#isClosed) {
      const waitMs = destinations.waitMs(server);
      if (waitMs > 0) return waitMs;
      queue.isDirty = false;
      const edus = fitting(await readOutgoingEdus(database, server, EDUS_MAX));
      const last = edus.at(-1);
      if (last === undefined) {
        if (queue.isDirty) continue;
        return undefined;
      }
      const failure = await this.#send(server, edus, last);
      if (failure === undefined || failure.kind === 'not-permitted') {
        queue.refusals = 0;
        await database.commit([deleteOutgoingEdus(server, last.num)]);
      } else {
        return this.#delayAfter(server, queue, failure);
      }
    }
    return undefined;
  }

  async #send(server: string, edus: readonly OutgoingEdu[], last: OutgoingEdu): Promise<FederationError | undefined> {
    const { client, serverName } = this.#parts;
    // A repeated transaction has the same id and the same content.
    const path = `/_matrix/federation/v1/send/${edus[0]?.num}-${last.num}-${last.ts}`;
    const content: JsonObject = {
      origin: serverName,
      origin_server_ts: last.ts,
      pdus: [],
      edus: edus.map(({ json }) => parseJson(json)),
    };
    try {
      await client.request(server, { method: 'PUT', path, content, timeoutMs: TIMEOUT_MS });
      return undefined;
    } catch (error) {
      if (error instanceof FederationError) return error;
      throw error;
    }
  }

  #delayAfter(server: string, queue: Queue, failure: FederationError): number {
    if (failure.kind !== 'refused') return Math.max(this.#parts.destinations.waitMs(server), BUSY_MS);
    queue.refusals += 1;
    const waitMs = Math.min(REFUSED_MS_MIN * 2 ** (queue.refusals - 1), REFUSED_MS_MAX);
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
