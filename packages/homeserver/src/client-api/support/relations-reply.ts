import { RawJson } from '../../http/route.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import { type HydrateDeps, hydrate, type Reader } from '../../timeline/hydrate.ts';
import type { RelationsPage } from '../../timeline/relations.ts';

/** Renders a page of related events or of threads. */
export async function relationsReply(
  deps: HydrateDeps,
  reader: Reader,
  { shown, nextBatch, depth }: RelationsPage,
): Promise<RawJson> {
  const chunk = await hydrate(deps, reader, shown, MODERN_FORMAT);
  const next = nextBatch === undefined ? '' : `,"next_batch":${JSON.stringify(nextBatch)}`;
  const followed = depth === undefined ? '' : `,"recursion_depth":${depth}`;
  return new RawJson(`{"chunk":[${chunk.join(',')}]${next}${followed}}`);
}
