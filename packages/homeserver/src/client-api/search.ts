import { search } from '@hearth/api/client/search.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import { jsonAnswer, type Route, route } from '../http/route.ts';
import { concat, joined, type Text } from '../platform/long-text.ts';
import { roomAccess, visibleStateNums } from '../rooms/access.ts';
import { type ContextRequest, contextOf } from '../search/context.ts';
import type { Found, MessageSearch } from '../search/search.ts';
import { MODERN_FORMAT } from '../timeline/client-form.ts';
import type { ContextDeps } from '../timeline/context.ts';
import { hydrate, type Reader, readerOf, type Shown } from '../timeline/hydrate.ts';
import { stateText } from '../timeline/state-text.ts';

type Deps = ContextDeps & { readonly ignoredUsers: IgnoredUsers };

/** Returns the route of `POST /search` (client-server API, "Server Side Search"). */
export function searchRoutes(messageSearch: MessageSearch, deps: Deps): Route[] {
  return [
    route(search, async ({ body, query, caller }) => {
      const wanted = body.search_categories.room_events;
      if (wanted === undefined) return { search_categories: {} };
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const found = await messageSearch.search(reader, {
        term: wanted.search_term,
        keys: wanted.keys,
        filter: wanted.filter,
        orderBy: wanted.order_by,
        groupBy: wanted.groupings?.group_by?.map(({ key }) => key),
        nextBatch: query.next_batch,
      });
      const results = await resultTexts(deps, reader, found, wanted.event_context);
      const state = wanted.include_state === true ? concat(',"state":', await statesText(deps, reader, found)) : '';
      const next = found.nextBatch === undefined ? '' : `,"next_batch":${JSON.stringify(found.nextBatch)}`;
      const head = `"count":${found.count},"highlights":${JSON.stringify(found.words)}`;
      const start = `{"search_categories":{"room_events":{${head},"results":[${results.join(',')}]`;
      return jsonAnswer(concat(`${start},"groups":${groupsText(found)}`, state, `${next}}}}`));
    }),
  ];
}

async function resultTexts(
  deps: Deps,
  reader: Reader,
  { results }: Found,
  context: ContextRequest | undefined,
): Promise<string[]> {
  const events = await hydrate(
    deps,
    reader,
    results.map(({ shown }) => shown),
    MODERN_FORMAT,
  );
  const texts: string[] = [];
  for (const [i, { shown, rank }] of results.entries()) {
    const around = context === undefined ? '' : await contextText(deps, reader, shown, context);
    texts.push(`{"rank":${rank},"result":${events[i]}${around}}`);
  }
  return texts;
}

async function contextText(deps: Deps, reader: Reader, target: Shown, request: ContextRequest): Promise<string> {
  const context = await contextOf(deps, reader, target, request);

  const list = async (shown: readonly Shown[]) => (await hydrate(deps, reader, shown, MODERN_FORMAT)).join(',');
  const events = `"events_before":[${await list(context.before)}],"events_after":[${await list(context.after)}]`;
  const tokens = `"start":${JSON.stringify(context.start)},"end":${JSON.stringify(context.end)}`;
  const profiles = context.profiles === undefined ? '' : `,"profile_info":${JSON.stringify(context.profiles)}`;
  return `,"context":{${tokens},${events}${profiles}}`;
}

function groupsText({ groups }: Found): string {
  const entries = [...groups].map(([key, byName]) => [
    key,
    Object.fromEntries(
      [...byName].map(([name, { results, order, nextBatch }]) => [name, { results, order, next_batch: nextBatch }]),
    ),
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** Renders the current state of each room of the results. Each state is read while it is written. */
async function statesText(deps: Deps, reader: Reader, { results }: Found): Promise<Text> {
  const texts: Text[] = [];
  for (const roomId of new Set(results.map(({ shown }) => shown.event.roomId))) {
    const nums = await visibleStateNums(deps, await roomAccess(deps, roomId, reader.user));
    const state = await stateText(deps, reader, nums, { format: MODERN_FORMAT, later: true });
    texts.push(concat(`${JSON.stringify(roomId)}:[`, state, ']'));
  }
  return concat('{', joined(texts, ','), '}');
}
