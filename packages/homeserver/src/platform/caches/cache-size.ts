import { heapLimitBytes } from '../monitoring/heap.ts';

/**
 * The heap size for which the bounds of caches are chosen. All caches together take about a quarter of it when they are
 * full.
 */
const USUAL_HEAP_BYTES = 2 * 1024 ** 3;
const MIB = 1024 ** 2;

/** Returns the bytes that a cache may take: the given number of MiB, or less if the heap is smaller than usual. */
export function cacheBytes(mebibytes: number): number {
  return mebibytes * MIB * Math.min(1, heapLimitBytes() / USUAL_HEAP_BYTES);
}

/** The memory of one entry of a map or set of numbers, in bytes. */
export const ENTRY_BYTES = 40;

/** Estimates the memory of a text, as two bytes for each character. */
export function textBytes(text: string): number {
  return 2 * text.length;
}
