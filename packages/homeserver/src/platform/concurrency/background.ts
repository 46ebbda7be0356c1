import { type Clock, every, type Timer } from '../clock.ts';
import type { Log, LogFields } from '../monitoring/log.ts';
import { type Counter, type Metrics, noMetrics } from '../monitoring/metrics.ts';

/** Background tasks. A failure of a task is logged and does not end other tasks. */
export class Background {
  readonly #clock: Clock;
  readonly #log: Pick<Log, 'error'>;
  readonly #timers: Timer[] = [];
  readonly #setAside: Counter;
  #isClosed = false;

  constructor(clock: Clock, log: Pick<Log, 'error'>, metrics: Metrics = noMetrics) {
    this.#clock = clock;
    this.#log = log;
    const help = 'Rows that a background job skipped because it could not process them';
    this.#setAside = metrics.counter('hearth_background_rows_set_aside_total', help, ['job']);
  }

  /** Starts a task. `name` identifies it in the log. */
  start(name: string, task: () => Promise<void>): void {
    void this.#guarded(name, task);
  }

  /** Runs a task repeatedly, each time `intervalMs` after the last run has ended. */
  every(intervalMs: number, name: string, task: () => Promise<void>): void {
    this.#timers.push(every(this.#clock, intervalMs, () => this.#guarded(name, task)));
  }

  /** Records that a job has skipped a row that it cannot process. `row` identifies the row. */
  setAside(job: string, row: LogFields, error: unknown): void {
    this.#setAside.add(1, { job });
    this.#log.error('background job skipped a row', { job, ...row, error });
  }

  /** Stops the repeated tasks. Failures of tasks that still run are not logged any more, because the database closes. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers.splice(0)) timer.cancel();
  }

  async #guarded(name: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!this.#isClosed) this.#log.error('background job failed', { job: name, error });
    }
  }
}
