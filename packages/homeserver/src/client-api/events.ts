import { roomInitialSync as roomInitialSyncEndpoint } from '@hearth/api/client/rooms/initial-sync.ts';
import { getEvents, getOneEvent } from '@hearth/api/client/sync/events.ts';
import { initialSync as initialSyncEndpoint } from '@hearth/api/client/sync/initial-sync.ts';
import { guestAccessForbidden } from '@hearth/protocol/errors.ts';
import { jsonAnswer, RawJson, type Route, route } from '../http/route.ts';
import { eventStream } from '../sync/event-stream.ts';
import { type InitialSyncDeps, initialSync, roomInitialSync } from '../sync/initial-sync.ts';
import { LEGACY_FORMAT } from '../timeline/client-form.ts';
import { readableEvent } from '../timeline/context.ts';
import { hydrate, readerOf } from '../timeline/hydrate.ts';
import { parseStreamToken } from '../timeline/position.ts';
import { pollTimeout } from './poll-timeout.ts';

/** Returns the routes for the event streams from before `/sync`, which guests and bots still use. */
export function eventsRoutes(deps: InitialSyncDeps): Route[] {
  return [
    route(getEvents, async (call) => {
      const { query, caller } = call;
      if (caller.isGuest && query.room_id === undefined)
        throw guestAccessForbidden('Guests name the rooms to listen to');
      const text = await eventStream(deps, {
        user: caller.user,
        device: caller.device,
        from: query.from === undefined ? undefined : parseStreamToken(query.from, 'from'),
        roomIds: query.room_id,
        limit: query.limit,
        timeoutMs: pollTimeout(query.timeout),
        cancellation: () => call.cancellation,
      });
      return new RawJson(text);
    }),
    route(initialSyncEndpoint, async ({ query, caller: { user, device } }) => {
      const archived = query.archived === true;
      return jsonAnswer(await initialSync(deps, { user, device, limit: query.limit, archived }));
    }),
    route(roomInitialSyncEndpoint, async ({ params, query, caller: { user, device } }) =>
      jsonAnswer(await roomInitialSync(deps, { user, device, roomId: params.roomId, limit: query.limit })),
    ),
    route(getOneEvent, async ({ params, caller }) => {
      const shown = await readableEvent(deps, caller.user, params.eventId);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const [text = ''] = await hydrate(deps, reader, [shown], LEGACY_FORMAT);
      return new RawJson(text);
    }),
  ];
}
