import { nextTurn, slicesOf } from '../../platform/concurrency/in-slices.ts';
import { concat, deferred, joined, type Text } from '../../platform/long-text.ts';

/**
 * The length up to which an answer is rendered at once, in characters. The rest is rendered while the answer is
 * written.
 */
const RENDERED_MAX = 16 * 1024 * 1024;

/**
 * The number of rooms that are rendered together. It is limited so that their values fit into memory and other requests
 * wait only some milliseconds.
 */
export const ROOMS_AT_ONCE = 50;

/**
 * The number of events that are rendered together. It limits the rooms with long timelines, because 1,000 events of 64
 * KB each take about 300 MB.
 */
const EVENTS_AT_ONCE = 1_000;

/**
 * Divides the rooms of an answer into slices that are rendered together. `eventsOf` returns the maximum length of a
 * room's timeline.
 */
export function roomSlices<T>(
  rooms: readonly T[],
  eventsOf: (room: T) => number,
): Iterator<readonly T[]> & Iterable<readonly T[]> {
  if (rooms.length === 1) return [rooms].values();
  return slicesOf(rooms, { count: ROOMS_AT_ONCE, weight: EVENTS_AT_ONCE }, eventsOf);
}

/**
 * Renders rooms separated by commas, in slices, and yields to the event loop between slices. If the first rooms make a
 * long answer, the others are rendered while the answer is written. Returns an empty text if no room has one.
 * @param slices the rooms that are rendered together; see `roomSlices`
 * @param render renders some rooms and leaves out those without a text
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

/** Renders further rooms while the answer is written, each with a leading comma. */
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
