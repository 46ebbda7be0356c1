import { nextTurn } from '../platform/in-turns.ts';
import { concat, deferred, joined, type Text } from '../platform/long-text.ts';
import { ROOMS_AT_ONCE } from './prepare-rooms.ts';

/** An answer of this length is rendered at once; what follows while it is written. Characters. */
const RENDERED_MAX = 16 * 1024 * 1024;

/**
 * Renders rooms with commas between, a batch at a time, and yields to the event loop between batches. When the first rooms make a long answer,
 * the others are rendered while they are written. Empty when no room has a text.
 * @param render renders some rooms, those without a text left out
 */
export async function renderRooms<T>(
  rooms: readonly T[],
  render: (some: readonly T[]) => Promise<readonly Text[]>,
): Promise<Text> {
  const texts: Text[] = [];
  let length = 0;
  for (let at = 0; at < rooms.length; at += ROOMS_AT_ONCE) {
    if (length > RENDERED_MAX) return concat(joined(texts, ','), renderLater(rooms.slice(at), render));
    if (at > 0) await nextTurn();
    for (const text of await render(rooms.slice(at, at + ROOMS_AT_ONCE))) {
      texts.push(text);
      length += text.length;
    }
  }
  return joined(texts, ',');
}

/** Renders rooms while they are written, behind others: a comma stands before each. */
function renderLater<T>(rooms: readonly T[], render: (some: readonly T[]) => Promise<readonly Text[]>): Text {
  return deferred(async function* () {
    for (let at = 0; at < rooms.length; at += ROOMS_AT_ONCE) {
      const texts = await render(rooms.slice(at, at + ROOMS_AT_ONCE));
      if (texts.length === 0) continue;
      yield ',';
      const text = joined(texts, ',');
      if (typeof text === 'string') yield text;
      else yield* text;
    }
  });
}
