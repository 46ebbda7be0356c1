import type { EventStore } from '../storage/event-store.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import { MODERN_FORMAT } from '../timeline/client-form.ts';
import { type HydrateDeps, hydrateState, type Reader } from '../timeline/hydrate.ts';

/** Events that are loaded and rendered together. */
const BATCH = 100;

/** A list of state events inside an answer. */
interface StateList {
  readonly before: string;
  /** By their numbers. */
  readonly events: readonly number[];
  readonly isWanted?: (event: StoredEvent) => boolean;
  readonly after: string;
}

/** Renders a list of state events a batch at a time, for one reader. */
export async function* renderStateList(
  deps: HydrateDeps & { readonly events: EventStore },
  reader: Reader,
  { before, events, isWanted, after }: StateList,
): AsyncGenerator<string> {
  let separator = before;
  for (let at = 0; at < events.length; at += BATCH) {
    const batch = await deps.events.list(events.slice(at, at + BATCH));
    const wanted = isWanted === undefined ? batch : batch.filter(isWanted);
    if (wanted.length === 0) continue;
    const texts = await hydrateState(deps, reader, wanted, MODERN_FORMAT);
    yield separator + texts.join(',');
    separator = ',';
  }
  yield separator === before ? before + after : after;
}
