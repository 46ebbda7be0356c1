import {
  getRoomState,
  getRoomStateByType,
  getRoomStateWithKey,
  setRoomState,
  setRoomStateWithKey,
} from '@hearth/api/client/rooms/state.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Caller, jsonAnswer, RawJson, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import { type AccessDeps, roomAccess, visibleState, visibleStateNums } from '../../rooms/access.ts';
import type { Sender } from '../../rooms/send.ts';
import type { Names } from '../../storage/engine/names.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import { redactedCopies } from '../../timeline/erasure.ts';
import { type HydrateDeps, hydrateState, type Reader, readerOf } from '../../timeline/hydrate.ts';
import { stateText } from '../../timeline/state-text.ts';
import { eventIdReply, parseSendTimes, type SendQuery } from '../support/sending.ts';

/** The objects that the routes that read state use. */
type StateReading = AccessDeps & HydrateDeps & { readonly names: Names; readonly ignoredUsers: IgnoredUsers };

interface StateCall {
  readonly params: { readonly roomId: string; readonly eventType: string };
  readonly body: JsonObject;
  readonly query: SendQuery;
  readonly caller: Caller;
}

/** Returns the routes of `/rooms/{roomId}/state` and the paths below. */
export function stateRoutes(sender: Sender, delayedEvents: DelayedEvents, reading: StateReading): Route[] {
  return [...putRoutes(sender, delayedEvents), ...getRoutes(reading)];
}

/** Returns the routes that change the state of a room. */
function putRoutes(sender: Sender, delayedEvents: DelayedEvents): Route[] {
  const setState = async ({ params, body, query, caller }: StateCall, stateKey: string): Promise<JsonObject> => {
    const { roomId, eventType: type } = params;
    const { stickyMs, delayMs } = parseSendTimes(query);
    if (delayMs === undefined)
      return eventIdReply(await sender.state(roomId, [type, stateKey], body, { sender: caller, stickyMs }));
    return {
      delay_id: await delayedEvents.schedule(caller, { roomId, type, stateKey, content: body, stickyMs, delayMs }),
    };
  };
  return [
    route(setRoomStateWithKey, (call) => setState(call, call.params.stateKey)),
    route(setRoomState, (call) => setState(call, '')),
  ];
}

/** Returns the routes that read the state of a room. */
function getRoutes(deps: StateReading): Route[] {
  return [
    route(getRoomState, async ({ params, caller }) => {
      const access = await roomAccess(deps, params.roomId, caller.user);
      const events = await visibleStateNums(deps, access);
      const text = await stateText(deps, await readerFor(deps, caller), events, { format: MODERN_FORMAT });
      return jsonAnswer(concat('[', text, ']'));
    }),
    route(getRoomStateWithKey, ({ params, query, caller }) =>
      oneStateEvent(deps, caller, params.roomId, [params.eventType, params.stateKey], query.format),
    ),
    route(getRoomStateByType, ({ params, query, caller }) =>
      oneStateEvent(deps, caller, params.roomId, [params.eventType, ''], query.format),
    ),
  ];
}

async function readerFor({ ignoredUsers }: StateReading, caller: Caller): Promise<Reader> {
  return readerOf(caller, await ignoredUsers.of(caller.user));
}

async function oneStateEvent(
  deps: StateReading,
  caller: Caller,
  roomId: string,
  [type, stateKey]: readonly [string, string],
  format: 'content' | 'event' | undefined,
): Promise<RawJson> {
  const access = await roomAccess(deps, roomId, caller.user);
  const typeNum = await deps.names.find(type);
  const keyNum = await deps.names.find(stateKey);
  const root = await visibleState(deps, access);
  const keys = typeNum === undefined || keyNum === undefined ? [] : [{ type: typeNum, stateKey: keyNum }];
  const [found = []] = await deps.states.lookupMany([root], keys);
  const event = found[0] === undefined ? undefined : await deps.events.one(found[0]);
  if (event === undefined) throw notFound('The room has no state event of this type and state key');
  if (format !== 'event') {
    const redacted = await redactedCopies(deps, caller.user, [event]);
    return new RawJson((redacted.get(event.num) ?? event).contentText);
  }
  const [text = ''] = await hydrateState(deps, await readerFor(deps, caller), [event], MODERN_FORMAT);
  return new RawJson(text);
}
