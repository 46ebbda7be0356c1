import type { Cancellation } from './concurrency/cancellation.ts';

/** Milliseconds of a day. */
export const DAY_MS = 24 * 60 * 60_000;

/** Time, passed in so that the simulation can turn it. Nothing outside this folder asks the system for it. */
export interface Clock {
  /** Milliseconds since 1970, as in `origin_server_ts`. */
  now(): number;
  /** Milliseconds from some moment on; never goes back. For durations. */
  elapsed(): number;
  /** Calls `run` once after `delayMs`. A timer alone does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The longest delay a timer of the system takes; longer ones would fire at once. */
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

/** Resolves after `delayMs`, or at once when it is cancelled. Never rejects: look at `isCancelled` if it matters. */
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
