import { getEvents, getOneEvent } from '@hearth/api/client/sync/events.ts';
import { guestAccessForbidden } from '@hearth/protocol/errors.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { eventStream } from '../../sync/event-stream.ts';
import type { InitialSyncDeps } from '../../sync/initial-sync.ts';
import { LEGACY_FORMAT } from '../../timeline/client-form.ts';
import { readableEvent } from '../../timeline/context.ts';
import { hydrate, readerOf } from '../../timeline/hydrate.ts';
import { parseStreamToken } from '../../timeline/position.ts';
import { pollTimeout } from '../support/poll-timeout.ts';

/** Returns the routes of `GET /events` and `GET /events/{eventId}`. */
export function eventsRoutes(deps: InitialSyncDeps): Route[] {
  return [
    route(getEvents, async (call) => {
      const { query, caller } = call;
      if (caller.isGuest && query.room_id === undefined)
        throw guestAccessForbidden('Guests must name the rooms with room_id');
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
    route(getOneEvent, async ({ params, caller }) => {
      const shown = await readableEvent(deps, caller.user, params.eventId);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const [text = ''] = await hydrate(deps, reader, [shown], LEGACY_FORMAT);
      return new RawJson(text);
    }),
  ];
}
