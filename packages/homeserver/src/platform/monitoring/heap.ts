import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects all garbage now. V8 sets the size at which it next does so by itself by what is left: a server that collects
 * what its start has left while nobody waits is not held up for it in its first busy seconds.
 */
export function collectGarbage(): void {
  // Without the flag a process has no such function; one that is set for longer changes how code is cached.
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  collect();
}

/** Returns how large the heap of this process may become, in bytes; above that V8 ends the process. */
export function heapLimitBytes(): number {
  return getHeapStatistics().heap_size_limit;
}
