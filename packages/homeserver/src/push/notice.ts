import { isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import type { Actions } from '../push-rules/verdicts.ts';
import type { Head } from '../rooms/head.ts';
import type { PusherRow } from '../storage/push/pushers.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { memberNameOf, type RoomNames, roomAliasOf } from './room-name.ts';

/** Returns the notification of an event for a gateway (push gateway API, "POST /_matrix/push/v1/notify"). */
export async function eventNotice(
  roomNames: RoomNames,
  pusher: PusherRow,
  { event, head, actions, unread }: { event: StoredEvent; head: Head; actions: Actions; unread: number },
): Promise<JsonObject> {
  const data = dataOf(pusher);
  const tweaks = tweaksOf(actions);
  const notice: JsonObject = {
    event_id: event.eventId,
    room_id: event.roomId,
    // "Counts whose value is zero should be omitted."
    counts: unread === 0 ? {} : { unread },
    prio: isUrgent(event, tweaks) ? 'high' : 'low',
    devices: [deviceOf(pusher, data, tweaks)],
  };
  if (data.format === 'event_id_only') return { notification: notice };
  const isAboutUser = event.type === 'm.room.member' && event.stateKeyNum === pusher.user_num;
  return {
    notification: {
      ...notice,
      type: event.type,
      sender: event.sender,
      sender_display_name: await memberNameOf(head, event.sender),
      room_name: await roomNames.of(head, pusher.user_num),
      room_alias: await roomAliasOf(head),
      ...(isAboutUser ? { user_is_target: true } : {}),
      content: event.content,
    },
  };
}

/**
 * Returns the notification for a gateway when nothing is unread any more. It contains the zero, because that is its
 * purpose.
 */
export function badgeNotice(pusher: PusherRow): JsonObject {
  return { notification: { counts: { unread: 0 }, devices: [deviceOf(pusher, dataOf(pusher))] } };
}

/** Returns the pusher's data without the URL of the gateway, which the device does not need. */
function deviceOf(pusher: PusherRow, data: JsonObject, tweaks?: JsonObject): JsonObject {
  const { url: _url, ...forwarded } = data;
  return {
    app_id: pusher.app_id,
    pushkey: pusher.pushkey,
    pushkey_ts: Math.floor(pusher.set_ts / 1000),
    data: forwarded,
    ...(tweaks === undefined ? {} : { tweaks }),
  };
}

/** Returns the data that this server has stored for a pusher. */
export function dataOf(pusher: PusherRow): JsonObject {
  return JSON.parse(pusher.data) as JsonObject;
}

/**
 * Returns the tweaks of a rule's actions, which change how a notification is shown (client-server API, "Push Rules",
 * `set_tweak`).
 */
function tweaksOf(actions: Actions): JsonObject {
  const tweaks: [string, JsonValue][] = [];
  for (const action of actions) {
    if (!isObject(action) || typeof action.set_tweak !== 'string') continue;
    const { set_tweak: name, value } = action;
    // "If a highlight tweak is given with no value, its value is defined to be true."
    if (value !== undefined) tweaks.push([name, value]);
    else if (name === 'highlight') tweaks.push([name, true]);
  }
  return Object.fromEntries(tweaks);
}

/**
 * Returns whether a notification has high priority. An encrypted event has, because only the device knows its content.
 */
function isUrgent(event: StoredEvent, { sound, highlight }: JsonObject): boolean {
  return event.type === 'm.room.encrypted' || sound !== undefined || highlight === true;
}
