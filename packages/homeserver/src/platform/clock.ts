import type { Cancellation } from './concurrency/cancellation.ts';

/** The milliseconds of a day. */
export const DAY_MS = 24 * 60 * 60_000;

/**
 * A source of time. It is passed in so that the simulation can control it; nothing outside this folder reads the
 * system's time.
 */
export interface Clock {
  /** Returns milliseconds since 1970, as in `origin_server_ts`. */
  now(): number;
  /** Returns milliseconds since a fixed moment, for durations. The value never decreases. */
  elapsed(): number;
  /** Calls `run` once after `delayMs`. A timer alone does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The longest delay of a system timer. Timers with longer delays would fire at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX));
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/**
 * Resolves after `delayMs`, or at once when it is cancelled. It never rejects; the caller checks `isCancelled` if
 * necessary.
 */
export function sleep(clock: Clock, delayMs: number, cancellation?: Cancellation): Promise<void> {
  return new Promise((resolve) => {
    if (cancellation?.isCancelled) return resolve();
    const done = () => {
      timer.cancel();
      cancellation?.off(done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    cancellation?.on(done);
  });
}

/** Calls `run` every `intervalMs`, each time that long after the last call has ended, until cancelled. */
export function every(clock: Clock, intervalMs: number, run: () => Promise<void> | void): Timer {
  let cancelled = false;
  let timer: Timer;
  const turn = async () => {
    try {
      await run();
    } finally {
      if (!cancelled) timer = clock.after(intervalMs, () => void turn());
    }
  };
  timer = clock.after(intervalMs, () => void turn());
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}
