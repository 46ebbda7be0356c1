import { search } from '@hearth/api/client/search.ts';
import { jsonAnswer, type Route, route } from '../http/route.ts';
import { concat, joined, type Text } from '../platform/long-text.ts';
import type { Reader, RoomReaders } from '../rooms/access.ts';
import type { ContextRequest } from '../search/context.ts';
import type { MessageSearch, SearchResults } from '../search/search.ts';
import { MODERN_FORMAT } from '../timeline/render/client-form.ts';
import type { EventRenderer, Shown } from '../timeline/render/event-renderer.ts';
import type { StateTexts } from '../timeline/render/state-text.ts';

/** Returns the route of `POST /search` (client-server API, "Server Side Search"). */
export function searchRoutes(messageSearch: MessageSearch, readers: RoomReaders, stateTexts: StateTexts): Route[] {
  return [
    route(search, async ({ body, query, caller }) => {
      const wanted = body.search_categories.room_events;
      if (wanted === undefined) return { search_categories: {} };
      const reader = await readers.reader(caller);
      const found = await messageSearch.search(reader, {
        term: wanted.search_term,
        keys: wanted.keys,
        filter: wanted.filter,
        orderBy: wanted.order_by,
        groupBy: wanted.groupings?.group_by?.map(({ key }) => key),
        nextBatch: query.next_batch,
      });
      const results = await resultTexts(
        { renderer: stateTexts.renderer, messageSearch },
        reader,
        found,
        wanted.event_context,
      );
      const states = wanted.include_state === true ? await statesText(readers, stateTexts, reader, found) : '';
      const state = states === '' ? '' : concat(',"state":', states);
      const next = found.nextBatch === undefined ? '' : `,"next_batch":${JSON.stringify(found.nextBatch)}`;
      const head = `"count":${found.count},"highlights":${JSON.stringify(found.words)}`;
      const start = `{"search_categories":{"room_events":{${head},"results":[${results.join(',')}]`;
      return jsonAnswer(concat(`${start},"groups":${groupsText(found)}`, state, `${next}}}}`));
    }),
  ];
}

interface Results {
  readonly renderer: EventRenderer;
  readonly messageSearch: MessageSearch;
}

async function resultTexts(
  parts: Results,
  reader: Reader,
  { results }: SearchResults,
  context: ContextRequest | undefined,
): Promise<string[]> {
  const events = await parts.renderer.render(
    reader,
    results.map(({ shown }) => shown),
    MODERN_FORMAT,
  );
  const texts: string[] = [];
  for (const [i, { shown, rank }] of results.entries()) {
    const around = context === undefined ? '' : await contextText(parts, reader, shown, context);
    texts.push(`{"rank":${rank},"result":${events[i]}${around}}`);
  }
  return texts;
}

async function contextText(
  { renderer, messageSearch }: Results,
  reader: Reader,
  target: Shown,
  request: ContextRequest,
): Promise<string> {
  const context = await messageSearch.contexts.around(reader, target, request);

  const list = async (shown: readonly Shown[]) => (await renderer.render(reader, shown, MODERN_FORMAT)).join(',');
  const events = `"events_before":[${await list(context.before)}],"events_after":[${await list(context.after)}]`;
  const tokens = `"start":${JSON.stringify(context.start)},"end":${JSON.stringify(context.end)}`;
  const profiles = context.profiles === undefined ? '' : `,"profile_info":${JSON.stringify(context.profiles)}`;
  return `,"context":{${tokens},${events}${profiles}}`;
}

function groupsText({ groups }: SearchResults): string {
  const entries = [...groups].map(([key, byName]) => [
    key,
    Object.fromEntries(
      [...byName].map(([name, { results, order, nextBatch }]) => [name, { results, order, next_batch: nextBatch }]),
    ),
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** Renders the current state of each room of the results. Each state is read while it is written. */
async function statesText(
  readers: RoomReaders,
  stateTexts: StateTexts,
  reader: Reader,
  { results }: SearchResults,
): Promise<Text> {
  const texts: Text[] = [];
  for (const roomId of new Set(results.map(({ shown }) => shown.event.roomId))) {
    const nums = await readers.stateNums(await readers.access(roomId, reader.user));
    const state = stateTexts.later(reader, nums, { format: MODERN_FORMAT });
    texts.push(concat(`${JSON.stringify(roomId)}:[`, state, ']'));
  }
  return concat('{', joined(texts, ','), '}');
}
