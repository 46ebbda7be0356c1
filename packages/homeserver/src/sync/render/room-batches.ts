import { nextTurn, slicesOf } from '../../platform/concurrency/in-slices.ts';
import { concat, deferred, joined, type Text } from '../../platform/long-text.ts';

/** An answer of this length is rendered at once; what follows while it is written. Characters. */
const RENDERED_MAX = 16 * 1024 * 1024;

/** The number of rooms that are rendered together, so that their values fit into memory and other requests wait some milliseconds. */
export const ROOMS_AT_ONCE = 50;

/** Fewer rooms are rendered together when their timelines are long: the texts of events of 64 KB take some 300 MB. */
const EVENTS_AT_ONCE = 1_000;

/** Cuts the rooms of an answer into those that are rendered together. `eventsOf`: how long a room's timeline may be. */
export function roomSlices<T>(rooms: readonly T[], eventsOf: (room: T) => number): Generator<readonly T[]> {
  return slicesOf(rooms, { count: ROOMS_AT_ONCE, weight: EVENTS_AT_ONCE }, eventsOf);
}

/**
 * Renders rooms with commas between, some at a time, and yields to the event loop between them. When the first rooms make a
 * long answer, the others are rendered while they are written. Empty when no room has a text.
 * @param slices the rooms that are rendered together; see `roomSlices`
 * @param render renders some rooms, those without a text left out
 */
export async function renderRooms<T>(
  slices: Iterator<readonly T[]>,
  render: (some: readonly T[]) => Promise<readonly Text[]>,
): Promise<Text> {
  const texts: Text[] = [];
  let length = 0;
  let isFirst = true;
  for (let next = slices.next(); next.done !== true; next = slices.next()) {
    if (!isFirst) await nextTurn();
    isFirst = false;
    for (const text of await render(next.value)) {
      texts.push(text);
      length += text.length;
    }
    if (length > RENDERED_MAX) return concat(joined(texts, ','), renderLater(slices, render));
  }
  return joined(texts, ',');
}

/** Renders rooms while they are written, behind others: a comma stands before each. */
function renderLater<T>(
  slices: Iterator<readonly T[]>,
  render: (some: readonly T[]) => Promise<readonly Text[]>,
): Text {
  return deferred(async function* () {
    for (let next = slices.next(); next.done !== true; next = slices.next()) {
      const texts = await render(next.value);
      if (texts.length === 0) continue;
      yield ',';
      const text = joined(texts, ',');
      if (typeof text === 'string') yield text;
      else yield* text;
    }
  });
}
