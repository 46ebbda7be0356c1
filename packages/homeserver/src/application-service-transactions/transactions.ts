import type { ApplicationServiceClient } from '../application-services/client.ts';
import type { ApplicationService } from '../application-services/registration.ts';
import { backOffMs } from '../platform/back-off.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { KeyedTasks } from '../platform/concurrency/keyed-tasks.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Counter, Metrics } from '../platform/monitoring/metrics.ts';
import { isSuccess, OutboundError } from '../platform/outbound/reply.ts';
import { between, type Random } from '../platform/random.ts';
import {
  putServiceQueue,
  readServiceQueues,
  removeServiceQueue,
  type ServiceQueueRow,
} from '../storage/application-services/service-queues.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { Composer } from './composer.ts';
import type { EphemeralData } from './ephemeral.ts';

interface TransactionsParts {
  readonly services: readonly ApplicationService[];
  readonly storage: { readonly database: Database; readonly stream: Stream };
  readonly composer: Composer;
  readonly ephemeral: EphemeralData;
  readonly client: ApplicationServiceClient;
  readonly machine: { readonly clock: Clock; readonly random: Random; readonly background: Background };
  readonly monitoring: { readonly log: Pick<Log, 'info' | 'warn'>; readonly metrics: Metrics };
}

/** The state of an application service. */
interface Queue {
  readonly service: ApplicationService;
  row: ServiceQueueRow;
  /** The row on disk. */
  stored: ServiceQueueRow | undefined;
  /** The number of failed attempts in sequence to send the last transaction. */
  failures: number;
}

const TIMEOUT_MS = 60_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60 * 60_000;
const SERVICES_MAX = 100;
/** The number of positions without events for an application service after which its position is stored. */
const STORED_EVERY = 1_000;

/** Deletes the queues of application services that were removed. Returns those of the given ones by their ids. */
export async function forgetOtherQueues(
  database: Database,
  services: readonly ApplicationService[],
): Promise<Map<string, ServiceQueueRow>> {
  const rows = new Map((await readServiceQueues(database)).map((row) => [row.service, row]));
  const ids = new Set(services.map(({ id }) => id));
  const removed = [...rows.keys()].filter((id) => !ids.has(id));
  for (const id of removed) rows.delete(id);
  if (removed.length > 0) await database.commit(removed.map((id) => removeServiceQueue(id)));
  return rows;
}

/**
 * Sends events to application services (application service API, "Pushing events"): one transaction at a time for each, in the
 * order of the stream. The body of a transaction is stored before it is sent, so that a repetition after a failure or a restart
 * has the same id and the same content.
 */
export class ServiceTransactions {
  readonly #parts: TransactionsParts;
  readonly #queues = new Map<string, Queue>();
  readonly #tasks: KeyedTasks<string>;
  readonly #sent: Counter;

  constructor(parts: TransactionsParts) {
    this.#parts = parts;
    const { machine, monitoring, storage } = parts;
    const limits = { runningMax: SERVICES_MAX, errorWaitMs: RETRY_MS_MIN };
    this.#tasks = new KeyedTasks({ ...machine, name: 'sending to application services', ...limits }, (id) =>
      this.#run(id),
    );
    const help = 'Transactions to application services';
    this.#sent = monitoring.metrics.counter('hearth_application_service_transactions_total', help, ['outcome']);
    const failing = 'Application services that do not accept events';
    monitoring.metrics.gauge('hearth_application_services_failing', failing, () => this.#failing());
    storage.stream.listen((changes) => this.#notice(changes));
  }

  /** Continues where the last process has ended. An application service that is new gets events from now on. */
  async start(): Promise<void> {
    const { services, storage, machine } = this.#parts;
    const rows = await forgetOtherQueues(storage.database, services);
    for (const service of services) {
      const known = rows.get(service.id);
      // Ids of transactions stay unique when an application service is removed and added again.
      const first = { service: service.id, position: storage.stream.current, txn: machine.clock.now(), body: null };
      const queue = { service, row: known ?? first, stored: known, failures: 0 };
      if (known === undefined) await this.#store(queue);
      this.#queues.set(service.id, queue);
    }
    this.#tasks.wake(this.#queues.keys());
  }

  /** Stops sending, and stores what application services have accepted. */
  async close(): Promise<void> {
    this.#tasks.close();
    for (const queue of this.#queues.values()) if (queue.row !== queue.stored) await this.#store(queue);
  }

  async #store(queue: Queue): Promise<void> {
    const { row } = queue;
    await this.#parts.storage.database.commit([putServiceQueue(row)]);
    queue.stored = row;
  }

  #failing(): number {
    return [...this.#queues.values()].filter(({ failures }) => failures > 0).length;
  }

  #notice(changes: readonly Change[]): void {
    const hasEvent = changes.some(({ kind }) => kind === 'event');
    for (const [id, { service }] of this.#queues) {
      const noted = changes.filter((change) => this.#parts.ephemeral.note(service, change));
      if (hasEvent || noted.length > 0) this.#tasks.wake([id]);
    }
  }

  /** Sends transactions until nothing waits. Returns the time to wait after a failure. */
  async #run(id: string): Promise<number | undefined> {
    const queue = this.#queues.get(id);
    while (queue !== undefined && !this.#tasks.isClosed) {
      if (queue.row.body === null && !(await this.#compose(queue))) return undefined;
      const failure = await this.#send(queue);
      if (failure !== undefined) return this.#failed(queue, failure);
      this.#accepted(queue);
    }
    return undefined;
  }

  /** Composes and stores the next transaction. Returns whether there is one. */
  async #compose(queue: Queue): Promise<boolean> {
    const { row, service, stored } = queue;
    const { position, body } = await this.#parts.composer.next(service, row.position);
    if (body !== undefined) queue.row = { ...row, position, txn: row.txn + 1, body };
    else if (position !== row.position) queue.row = { ...row, position };
    const isAcknowledged = stored !== undefined && stored.body !== null;
    const isFar = queue.row.position - (stored?.position ?? 0) >= STORED_EVERY;
    if (body !== undefined || isAcknowledged || isFar) await this.#store(queue);
    return body !== undefined;
  }

  /** Sends the transaction of a queue. Returns the reason why the application service has not accepted it. */
  async #send({ service, row }: Queue): Promise<string | undefined> {
    const at = `/transactions/${row.txn}`;
    try {
      const reply = await this.#parts.client.request(service, {
        method: 'PUT',
        path: `/_matrix/app/v1${at}`,
        legacyPath: at,
        json: row.body ?? '',
        timeoutMs: TIMEOUT_MS,
      });
      return isSuccess(reply) ? undefined : `it has answered ${reply.status}`;
    } catch (error) {
      if (error instanceof OutboundError) return error.message;
      throw error;
    }
  }

  #accepted(queue: Queue): void {
    const { log } = this.#parts.monitoring;
    if (queue.failures > 0) log.info('an application service accepts events again', { service: queue.service.id });
    queue.failures = 0;
    queue.row = { ...queue.row, body: null };
    // The acknowledgement is stored with the next transaction, or when nothing waits.
    this.#sent.add(1, { outcome: 'accepted' });
  }

  #failed(queue: Queue, reason: string): number {
    const { machine, monitoring } = this.#parts;
    queue.failures += 1;
    const longest = backOffMs(queue.failures, RETRY_MS_MIN, RETRY_MS_MAX);
    const waitMs = Math.round(longest * between(machine.random, 0.5, 1));
    if (queue.failures === 1)
      monitoring.log.warn('an application service does not accept events; they wait', {
        service: queue.service.id,
        url: queue.service.url,
        reason,
      });
    this.#sent.add(1, { outcome: 'failed' });
    return waitMs;
  }
}
