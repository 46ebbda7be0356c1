import type { AuthEvent } from '../events/event.ts';
import { asObject, asString, type JsonObject } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/** The members of an event (complete or a draft) that the selection reads. */
export interface SelectingEvent {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
}

/** The key of a state event in a room. */
export type StateKeyPair = [type: string, stateKey: string];

/**
 * Returns the places in the room state that an event's `auth_events` select, each once. The caller skips those that the
 * state does not have (server-server API, "Auth events selection"). A create event selects none. From version 12 on the
 * create event is not selected.
 */
export function authEventKeys(event: SelectingEvent, version: RoomVersion): StateKeyPair[] {
  if (event.type === 'm.room.create') return [];
  const keys: StateKeyPair[] = version.authEventsWithoutCreate ? [] : [['m.room.create', '']];
  keys.push(['m.room.power_levels', ''], ['m.room.member', event.sender]);
  if (event.type === 'm.room.member') addMemberKeys(keys, event, version);
  return keys;
}

function addMemberKeys(keys: StateKeyPair[], event: SelectingEvent, version: RoomVersion): void {
  const { content, stateKey } = event;
  const membership = content.membership;
  const addMember = (userId: string) => {
    if (!keys.some(([type, key]) => type === 'm.room.member' && key === userId)) keys.push(['m.room.member', userId]);
  };
  if (stateKey !== undefined) addMember(stateKey);
  if (membership === 'join' || membership === 'invite' || membership === 'knock') keys.push(['m.room.join_rules', '']);
  if (membership === 'invite') {
    const token = asString(asObject(asObject(content.third_party_invite)?.signed)?.token);
    if (token !== undefined) keys.push(['m.room.third_party_invite', token]);
  }
  if (membership === 'join' && version.restrictedJoin) {
    const authoriser = asString(content.join_authorised_via_users_server);
    if (authoriser !== undefined) addMember(authoriser);
  }
}

/**
 * Applies the rule on an event's own `auth_events` (rooms/v1, rule 2; rooms/v12, rule 3). The caller has loaded all of
 * them. Returns the reason for rejecting the event, or undefined. This rule does not apply to the create event.
 */
export function checkAuthEvents(
  event: AuthEvent,
  authEvents: readonly AuthEvent[],
  version: RoomVersion,
): string | undefined {
  if (event.type === 'm.room.create') return undefined;
  const expected = authEventKeys(event, version);
  const seen = new Set<number>();
  for (const entry of authEvents) {
    const index = expected.findIndex(([type, key]) => type === entry.type && key === entry.stateKey);
    if (index === -1) return `auth_events: ${entry.type} ${entry.eventId} is not one that authorises this event`;
    if (seen.has(index)) return `auth_events: more than one ${entry.type} for the same state key`;
    seen.add(index);
    if (entry.rejected === true) return `auth_events: ${entry.eventId} was rejected`;
    if (entry.roomId !== event.roomId) return `auth_events: ${entry.eventId} belongs to another room`;
  }
  if (!version.authEventsWithoutCreate && !seen.has(0)) return 'auth_events: there is no m.room.create';
  return undefined;
}
