import { getEvents, getOneEvent } from '@hearth/api/client/sync/events.ts';
import { guestAccessForbidden } from '@hearth/protocol/errors.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { EventStream } from '../../sync/event-stream.ts';
import { parseStreamToken } from '../../timeline/position.ts';
import type { ReadableEvents } from '../../timeline/readable-events.ts';
import { LEGACY_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import { serversIn } from '../support/find-room.ts';
import { pollTimeout } from '../support/poll-timeout.ts';

/** Returns the route of `GET /events`. */
export function eventsRoutes(eventStream: EventStream): Route[] {
  return [
    route(getEvents, async (call) => {
      const { query, caller } = call;
      if (caller.isGuest && query.room_id === undefined)
        throw guestAccessForbidden('Guests must name the rooms with room_id');
      const text = await eventStream.respond({
        user: caller.user,
        device: caller.device,
        from: query.from === undefined ? undefined : parseStreamToken(query.from, 'from'),
        roomIds: query.room_id,
        servers: serversIn(query),
        limit: query.limit,
        timeoutMs: pollTimeout(query.timeout),
        cancellation: () => call.cancellation,
      });
      return new RawJson(text);
    }),
  ];
}

/** Returns the route of `GET /events/{eventId}`. */
export function oneEventRoutes(readers: RoomReaders, readable: ReadableEvents, renderer: EventRenderer): Route[] {
  return [
    route(getOneEvent, async ({ params, caller }) => {
      const shown = await readable.find(caller.user, params.eventId);
      const [text = ''] = await renderer.render(await readers.reader(caller), [shown], LEGACY_FORMAT);
      return new RawJson(text);
    }),
  ];
}
