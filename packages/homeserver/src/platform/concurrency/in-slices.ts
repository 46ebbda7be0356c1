/**
 * Processes a long list in slices and yields to the event loop between slices. A long answer therefore does not delay
 * short ones, and the memory for a slice is bounded.
 * @param slice the number of items of a slice; a list that is not longer is processed at once
 */
export async function inSlices<T, R>(
  items: readonly T[],
  slice: number,
  work: (some: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  if (items.length === 0) return [];
  if (items.length <= slice) return work(items);
  return eachSlice(
    slicesOf(items, { count: slice }, () => 0),
    work,
  );
}

/** Processes slices one after the other, as {@link inSlices}. */
export async function eachSlice<T, R>(
  slices: Iterable<readonly T[]>,
  work: (some: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  const done: R[] = [];
  let isFirst = true;
  for (const some of slices) {
    if (!isFirst) await nextTurn();
    isFirst = false;
    for (const result of await work(some)) done.push(result);
  }
  return done;
}

/**
 * Cuts a list into slices of at most `count` items whose weights together are at most `weight`; a heavier item becomes
 * a separate slice.
 */
export function* slicesOf<T>(
  items: readonly T[],
  { count, weight: weightMax = Number.POSITIVE_INFINITY }: { readonly count: number; readonly weight?: number },
  weightOf: (item: T) => number,
): Generator<readonly T[]> {
  let from = 0;
  let weight = 0;
  for (const [at, item] of items.entries()) {
    const own = weightOf(item);
    if (at > from && (at - from >= count || weight + own > weightMax)) {
      yield items.slice(from, at);
      from = at;
      weight = 0;
    }
    weight += own;
  }
  if (from < items.length) yield items.slice(from);
}

/**
 * Yields to the event loop. Resolves when pending events have been processed. Queries of the embedded database do not
 * wait for that.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
