import { RawJson } from '../../http/route.ts';
import type { Reader } from '../../rooms/access.ts';
import type { RelationsPage } from '../../timeline/relations.ts';
import { MODERN_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';

/** Renders a page of related events or of threads. */
export async function relationsReply(
  renderer: EventRenderer,
  reader: Reader,
  { shown, nextBatch, depth }: RelationsPage,
): Promise<RawJson> {
  const chunk = await renderer.render(reader, shown, MODERN_FORMAT);
  const next = nextBatch === undefined ? '' : `,"next_batch":${JSON.stringify(nextBatch)}`;
  const followed = depth === undefined ? '' : `,"recursion_depth":${depth}`;
  return new RawJson(`{"chunk":[${chunk.join(',')}]${next}${followed}}`);
}
