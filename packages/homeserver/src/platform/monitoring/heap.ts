import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects all garbage now. The remaining size determines when V8 collects garbage again. A server that collects the
 * garbage of its start while no request waits is not interrupted in its first busy seconds.
 */
export function collectGarbage(): void {
  // The function exists only with this flag. The flag is unset at once, because it changes how code is cached.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}

/** Returns the maximum size of the heap of this process in bytes. V8 ends a process that needs more. */
export function heapLimitBytes(): number {
  return getHeapStatistics().heap_size_limit;
}
