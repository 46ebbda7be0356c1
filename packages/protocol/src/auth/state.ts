import type { AuthEvent } from '../events/event.ts';
import { asString } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/** The room state against which an event is judged: the event of a type and state key, if there is one. */
export type StateLookup = (type: string, stateKey: string) => AuthEvent | undefined;

/** An event, the state it is judged against, its create event, and the rules: what each rule function needs. */
export interface Case {
  readonly event: AuthEvent;
  readonly state: StateLookup;
  readonly create: AuthEvent;
  readonly version: RoomVersion;
}

/** A user's `membership` in the state; undefined when the user was never in the room. */
export function membershipOf(state: StateLookup, userId: string): string | undefined {
  return asString(state('m.room.member', userId)?.content.membership);
}

/** The `join_rule` of the state; `invite` when there is none. */
export function joinRuleOf(state: StateLookup): string {
  return asString(state('m.room.join_rules', '')?.content.join_rule) ?? 'invite';
}
