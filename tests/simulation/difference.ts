/** The error for an observation that differs from the truth. */
export class Difference extends Error {}

/** @throws Difference at the first place where two lists are not the same */
export function expectSame(what: string, seen: readonly string[], truth: readonly string[]): void {
  const length = Math.max(seen.length, truth.length);
  for (let i = 0; i < length; i += 1) {
    if (seen[i] === truth[i]) continue;
    const around = (list: readonly string[]) => list.slice(Math.max(0, i - 3), i + 4).join(' ');
    throw new Difference(
      `${what}: at ${i} there is ${seen[i]} instead of ${truth[i]}\n` +
        `  seen (${seen.length}): ${around(seen)}\n  true (${truth.length}): ${around(truth)}`,
    );
  }
}

/** @throws Difference unless two maps have the same entries */
export function expectSameEntries(
  what: string,
  seen: ReadonlyMap<string, string>,
  truth: ReadonlyMap<string, string>,
): void {
  const lines = (map: ReadonlyMap<string, string>) => [...map].map(([key, value]) => `${key}=${value}`).sort();
  const [left, right] = [lines(seen), lines(truth)];
  const extra = left.filter((line) => !right.includes(line));
  const missing = right.filter((line) => !left.includes(line));
  if (extra.length === 0 && missing.length === 0) return;
  throw new Difference(`${what}:\n  seen only: ${extra.join(' ')}\n  true only: ${missing.join(' ')}`);
}
