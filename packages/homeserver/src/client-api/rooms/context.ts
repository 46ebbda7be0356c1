import { getEventContext } from '@hearth/api/client/rooms/context.ts';
import { parseRoomEventFilterText } from '../../filters/filter.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import type { Reader, RoomReaders } from '../../rooms/access.ts';
import type { EventContexts } from '../../timeline/context.ts';
import { MODERN_FORMAT } from '../../timeline/render/client-form.ts';
import type { Shown } from '../../timeline/render/event-renderer.ts';
import type { StateTexts } from '../../timeline/render/state-text.ts';

/** Returns the route of `GET /rooms/{roomId}/context/{eventId}`. */
export function contextRoutes(readers: RoomReaders, contexts: EventContexts, stateTexts: StateTexts): Route[] {
  const list = async (reader: Reader, shown: readonly Shown[]) =>
    (await stateTexts.renderer.render(reader, shown, MODERN_FORMAT)).join(',');
  return [
    route(getEventContext, async ({ params, query, caller }) => {
      const filter = query.filter === undefined ? undefined : parseRoomEventFilterText(query.filter);
      const access = await readers.access(params.roomId, caller.user);
      const reader = await readers.reader(caller);
      const context = await contexts.around(reader, access, params.eventId, { limit: query.limit, filter });
      const event = await list(reader, [context.target]);
      const before = await list(reader, context.before);
      const after = await list(reader, context.after);
      const state = await stateTexts.text(reader, context.state, { format: MODERN_FORMAT });
      const tokens = `"start":${JSON.stringify(context.start)},"end":${JSON.stringify(context.end)}`;
      const events = `"event":${event},"events_before":[${before}],"events_after":[${after}]`;
      return jsonAnswer(concat(`{${tokens},${events},"state":[`, state, ']}'));
    }),
  ];
}
