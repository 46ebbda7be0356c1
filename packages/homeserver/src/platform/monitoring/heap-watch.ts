import { constants, PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** The part of the heap limit above which operators are warned, and the part below which the warning ends. */
const WARN_ABOVE = 0.75;
const CALM_BELOW = 0.65;

/** The heap after a major garbage collection, in bytes. */
export interface HeapUse {
  readonly used: number;
  readonly limit: number;
}

/** The part of the limit that V8 reserves for new objects, in bytes. Long-lived objects cannot use it. */
const YOUNG_BYTES = 192 * 1024 ** 2;

/** Reads the heap of this process. */
function heapUse(): HeapUse {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return { used, limit: Math.max(limit - YOUNG_BYTES, limit / 2) };
}

/**
 * Warns before the heap reaches its limit, where V8 ends the process. Only objects that remain after a major garbage
 * collection count, because V8 collects garbage before it reaches the limit.
 */
export class HeapWatch {
  readonly #log: Pick<Log, 'warn' | 'info'>;
  readonly #read: () => HeapUse;
  #last: HeapUse | undefined;
  #isWarning = false;
  #observer: PerformanceObserver | undefined;

  constructor(log: Pick<Log, 'warn' | 'info'>, metrics: Metrics, read = heapUse) {
    this.#log = log;
    this.#read = read;
    metrics.gauge('hearth_heap_used_bytes', 'Heap in use after the last major garbage collection', () => this.use.used);
    metrics.gauge('hearth_heap_limit_bytes', 'Heap limit at which V8 ends the process', () => this.use.limit);
  }

  /** The heap after the last major garbage collection; before the first one, the heap as it is. */
  get use(): HeapUse {
    return this.#last ?? this.#read();
  }

  /** A warning for operators if the heap is nearly full; otherwise undefined. */
  get warning(): string | undefined {
    if (!this.#isWarning) return undefined;
    const { used, limit } = this.use;
    return `${mebibytes(used)} MiB of the heap limit of ${mebibytes(limit)} MiB are in use; give the server more memory`;
  }

  /** Begins to observe garbage collections. */
  start(): void {
    const observer = new PerformanceObserver((list) => {
      if (list.getEntries().some(isMajor)) this.collected();
    });
    observer.observe({ entryTypes: ['gc'] });
    this.#observer = observer;
  }

  close(): void {
    this.#observer?.disconnect();
  }

  /** Records the heap after a major garbage collection. */
  collected(): void {
    this.#last = this.#read();
    const part = this.#last.used / this.#last.limit;
    if (!this.#isWarning && part > WARN_ABOVE) {
      this.#isWarning = true;
      this.#log.warn('the heap is nearly full', { ...this.#last });
    } else if (this.#isWarning && part < CALM_BELOW) {
      this.#isWarning = false;
      this.#log.info('the heap is no longer nearly full', { ...this.#last });
    }
  }
}

function isMajor(entry: object): boolean {
  const { kind } = ('detail' in entry ? entry.detail : {}) as { kind?: unknown };
  return kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
