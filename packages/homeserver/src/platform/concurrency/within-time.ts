import type { Clock } from '../clock.ts';

/**
 * Runs a task that may take a limited time. Then the signal of the task is aborted, and the promise is rejected with
 * the error of `late`, even if the task goes on.
 */
export async function withinTime<T>(
  clock: Clock,
  timeoutMs: number,
  task: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  const controller = new AbortController();
  const end = Promise.withResolvers<never>();
  const timer = clock.after(timeoutMs, () => {
    controller.abort();
    end.reject(late());
  });
  try {
    return await Promise.race([task(controller.signal), end.promise]);
  } finally {
    timer.cancel();
  }
}
