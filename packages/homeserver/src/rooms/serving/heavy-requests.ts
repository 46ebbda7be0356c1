import { limitExceeded } from '@hearth/protocol/errors.ts';
import { NoSlot, Slots } from '../../platform/concurrency/slots.ts';

const LIMITS = { running: 20, waiting: 200 };
/** The time after which a server may try again. */
const RETRY_AFTER_MS = 5_000;

/** Limits the requests of other servers that read much: states, auth chains, history and joins. */
export class HeavyRequests {
  readonly #slots = new Slots(LIMITS);

  /** Runs a task when one of the slots is free. @throws MatrixError M_LIMIT_EXCEEDED when too many tasks wait */
  async run<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await this.#slots.run(task);
    } catch (error) {
      if (error instanceof NoSlot)
        throw limitExceeded(RETRY_AFTER_MS, 'Too many requests of other servers are waiting');
      throw error;
    }
  }
}
