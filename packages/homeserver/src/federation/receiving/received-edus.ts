import { MatrixError } from '@hearth/protocol/errors.ts';
import { asObject, asString, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Database } from '../../storage/engine/database.ts';
import { failureOfRow } from '../../storage/engine/row-failure.ts';

/** The processing of EDUs of one type. */
export interface EduHandler {
  /** Processes the content of an EDU of a server. Contents that the server may not send are ignored. */
  handle(origin: string, content: JsonObject): Promise<void>;
  /** Returns a key of a content. Contents of a transaction with the same key are processed in their order. */
  keyOf(content: JsonObject): string;
}

/**
 * Processes the EDUs of other servers (server-server API, "EDUs"). An EDU that is malformed, refused or of an unknown
 * type is ignored, so that it does not block the transaction.
 */
export class ReceivedEdus {
  readonly #handlers: ReadonlyMap<string, EduHandler>;
  readonly #database: Database;
  readonly #log: Pick<Log, 'debug' | 'error'>;

  /** @param handlers the handlers by type of EDU */
  constructor(handlers: ReadonlyMap<string, EduHandler>, database: Database, log: Pick<Log, 'debug' | 'error'>) {
    this.#handlers = handlers;
    this.#database = database;
    this.#log = log;
  }

  /**
   * Processes the EDUs of a transaction. Resolves when everything that must not be lost is on disk.
   * @throws if the database accepts no writes; the server then repeats the transaction
   */
  async receive(origin: string, edus: readonly unknown[]): Promise<void> {
    const queues = new Map<string, (() => Promise<void>)[]>();
    for (const edu of edus) {
      const type = isObject(edu) ? asString(edu.edu_type) : undefined;
      const content = isObject(edu) ? asObject(edu.content) : undefined;
      const handler = this.#handlers.get(type ?? '');
      if (type === undefined || content === undefined || handler === undefined) continue;
      const key = `${type} ${handler.keyOf(content)}`;
      const queue = queues.get(key) ?? [];
      queue.push(() => this.#one(origin, type, () => handler.handle(origin, content)));
      queues.set(key, queue);
    }
    await Promise.all(Array.from(queues.values(), inOrder));
  }

  async #one(server: string, type: string, handle: () => Promise<void>): Promise<void> {
    const failure = await failureOfRow(this.#database, async () => {
      try {
        await handle();
      } catch (error) {
        if (!(error instanceof MatrixError)) throw error;
        this.#log.debug('ignored an EDU of another server', { server, type, reason: error.message });
      }
    });
    if (failure !== undefined)
      this.#log.error('an EDU of another server cannot be processed', { server, type, error: failure });
  }
}

async function inOrder(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  for (const task of tasks) await task();
}
