import type { AuthEvent } from '../events/event.ts';
import { asString } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/** A function that finds the state event of a type and state key, in the state against which an event is checked. */
export type StateLookup = (type: string, stateKey: string) => AuthEvent | undefined;

/**
 * The arguments of each rule function: an event, the state against which it is checked, the create event and the room
 * version.
 */
export interface AuthCase {
  readonly event: AuthEvent;
  readonly state: StateLookup;
  readonly create: AuthEvent;
  readonly version: RoomVersion;
}

/** Returns a user's `membership` in the state; undefined when the user was never in the room. */
export function membershipOf(state: StateLookup, userId: string): string | undefined {
  return asString(state('m.room.member', userId)?.content.membership);
}

/** Returns the `join_rule` of the state; `invite` when there is none. */
export function joinRuleOf(state: StateLookup): string {
  return asString(state('m.room.join_rules', '')?.content.join_rule) ?? 'invite';
}
