import { getRoomEvents } from '@hearth/api/client/rooms/messages.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import { parseRoomEventFilterText } from '../../filters/filter.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { History } from '../../timeline/history.ts';
import { LEGACY_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';

/** Returns the route of `GET /rooms/{roomId}/messages`. */
export function messagesRoutes(readers: RoomReaders, history: History, renderer: EventRenderer): Route[] {
  return [
    route(getRoomEvents, async ({ params, query, caller }) => {
      const filter = query.filter === undefined ? undefined : parseRoomEventFilterText(query.filter);
      const access = await readers.access(params.roomId, caller.user);
      const reader = await readers.reader(caller);
      const { dir } = query;
      if (dir === undefined) throw missingParam("Missing query parameter 'dir'");
      const page = await history.page(reader, access, { ...query, dir, filter });
      const chunk = await renderer.render(reader, page.shown, LEGACY_FORMAT);
      const members = filter?.lazy_load_members === true ? await history.senders(page.shown) : [];
      const state = await renderer.renderState(reader, members, LEGACY_FORMAT);
      const end = page.end === undefined ? '' : `,"end":${JSON.stringify(page.end)}`;
      const stateText = state.length === 0 ? '' : `,"state":[${state.join(',')}]`;
      return new RawJson(`{"start":${JSON.stringify(page.start)}${end},"chunk":[${chunk.join(',')}]${stateText}}`);
    }),
  ];
}
