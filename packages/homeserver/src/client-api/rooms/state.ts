import {
  getRoomState,
  getRoomStateByType,
  getRoomStateWithKey,
  setRoomState,
  setRoomStateWithKey,
} from '@hearth/api/client/rooms/state.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Caller, jsonAnswer, RawJson, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { Sender } from '../../rooms/send.ts';
import { MODERN_FORMAT } from '../../timeline/render/client-form.ts';
import type { StateTexts } from '../../timeline/render/state-text.ts';
import type { VisibleState } from '../../timeline/visible-state.ts';
import { eventIdReply, parseSendTimes, parseTs, type SendQuery } from '../support/sending.ts';

interface StateCall {
  readonly params: { readonly roomId: string; readonly eventType: string };
  readonly body: JsonObject;
  readonly query: SendQuery;
  readonly caller: Caller;
}

/** Returns the routes of `PUT /rooms/{roomId}/state` and the paths below. */
export function setStateRoutes(sender: Sender, delayedEvents: DelayedEvents): Route[] {
  const setState = async ({ params, body, query, caller }: StateCall, stateKey: string): Promise<JsonObject> => {
    const { roomId, eventType: type } = params;
    const { stickyMs, delayMs } = parseSendTimes(query);
    if (delayMs === undefined)
      return eventIdReply(
        await sender.state(roomId, [type, stateKey], body, { sender: caller, stickyMs, ...parseTs(query, caller) }),
      );
    return {
      delay_id: await delayedEvents.schedule(caller, { roomId, type, stateKey, content: body, stickyMs, delayMs }),
    };
  };
  return [
    route(setRoomStateWithKey, (call) => setState(call, call.params.stateKey)),
    route(setRoomState, (call) => setState(call, '')),
  ];
}

/** Returns the routes of `GET /rooms/{roomId}/state` and the paths below. */
export function stateRoutes(readers: RoomReaders, visibleState: VisibleState, stateTexts: StateTexts): Route[] {
  const stateEvent = async (
    caller: Caller,
    { roomId, type, stateKey }: RoomStatePlace,
    format: Format,
  ): Promise<RawJson> => {
    const access = await readers.access(roomId, caller.user);
    const event = await visibleState.event(access, type, stateKey);
    if (event === undefined) throw notFound('The room has no state event of this type and state key');
    if (format !== 'event') return new RawJson(await visibleState.contentText(caller.user, event));
    const reader = await readers.reader(caller);
    const [text = ''] = await stateTexts.renderer.renderState(reader, [event], MODERN_FORMAT);
    return new RawJson(text);
  };
  return [
    route(getRoomState, async ({ params, caller }) => {
      const access = await readers.access(params.roomId, caller.user);
      const nums = await readers.stateNums(access);
      const text = await stateTexts.text(await readers.reader(caller), nums, { format: MODERN_FORMAT });
      return jsonAnswer(concat('[', text, ']'));
    }),
    route(getRoomStateWithKey, ({ params: { roomId, eventType: type, stateKey }, query, caller }) =>
      stateEvent(caller, { roomId, type, stateKey }, query.format),
    ),
    route(getRoomStateByType, ({ params: { roomId, eventType: type }, query, caller }) =>
      stateEvent(caller, { roomId, type, stateKey: '' }, query.format),
    ),
  ];
}

/** A place in the state of a room. */
interface RoomStatePlace {
  readonly roomId: string;
  readonly type: string;
  readonly stateKey: string;
}

type Format = 'content' | 'event' | undefined;
