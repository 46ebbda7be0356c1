import { type Clock, every, type Timer } from './clock.ts';
import type { Log } from './log.ts';

/** Work that nobody waits for. What goes wrong in it is logged and ends nothing else. */
export class Background {
  readonly #clock: Clock;
  readonly #log: Pick<Log, 'error'>;
  readonly #timers: Timer[] = [];

  constructor(clock: Clock, log: Pick<Log, 'error'>) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Starts a task. `name` says in the log what it was. */
  start(name: string, task: () => Promise<void>): void {
    void this.#guarded(name, task);
  }

  /** Runs a task again and again, each time `intervalMs` after the last has ended. */
  every(intervalMs: number, name: string, task: () => Promise<void>): void {
    this.#timers.push(every(this.#clock, intervalMs, () => this.#guarded(name, task)));
  }

  /** Ends what runs again and again. */
  close(): void {
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }

  async #guarded(name: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#log.error(`failed: ${name}`, { error });
    }
  }
}
