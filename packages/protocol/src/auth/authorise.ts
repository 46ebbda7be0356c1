import type { AuthEvent } from '../events/event.ts';
import { domainOf } from '../identifiers/server-of.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { authoriseAliases } from './aliases.ts';
import { authoriseCreate } from './create.ts';
import { authoriseMember } from './member.ts';
import { powerLevelsOf, powerOf, requiredPower } from './power.ts';
import { authorisePowerLevels } from './power-levels.ts';
import { authoriseRedaction } from './redaction.ts';
import { type AuthCase, membershipOf, type StateLookup } from './state.ts';
import { authoriseStateKey } from './state-key.ts';
import { authoriseThirdPartyInvite } from './third-party-invite.ts';

/**
 * Checks an event against a room state by the authorisation rules of its room version (rooms/v1 to v12, MSC3757). Returns
 * undefined when the event is allowed, otherwise the reason for rejecting it.
 *
 * Two rules are elsewhere, because they do not depend on the state: the one on the event's own `auth_events` is
 * `checkAuthEvents`, and signatures are verified on receipt (`requiredSigners`). `state` must find the create event in
 * every room version, also in version 12 where `auth_events` do not list it.
 */
export function authorise(event: AuthEvent, state: StateLookup, version: RoomVersion): string | undefined {
  if (event.type === 'm.room.create') return authoriseCreate(event, version);
  const create = state('m.room.create', '');
  if (create === undefined || create.rejected === true) return 'the room has no m.room.create';
  if (version.createRoomIdHash && event.roomId !== `!${create.eventId.slice(1)}`) {
    return "the room_id is not that of the room's m.room.create";
  }
  if (create.content['m.federate'] === false && domainOf(event.sender) !== domainOf(create.sender)) {
    return 'the room does not federate';
  }
  const authCase = { event, state, create, version };
  if (event.type === 'm.room.aliases' && version.aliasesAuth) return authoriseAliases(event);
  if (event.type === 'm.room.member') return authoriseMember(authCase);
  if (membershipOf(state, event.sender) !== 'join') return 'the sender is not in the room';
  if (event.type === 'm.room.third_party_invite') return authoriseThirdPartyInvite(authCase);
  return authoriseSending(authCase) ?? authoriseType(authCase);
}

/** Checks that the sender has the power for this type of event and may set state with its state key. */
function authoriseSending(authCase: AuthCase): string | undefined {
  const { event, state, create, version } = authCase;
  const levels = powerLevelsOf(state);
  const needed = requiredPower(event.type, event.stateKey !== undefined, levels, version);
  if (powerOf(event.sender, levels, create, version) < needed)
    return `the sender lacks the level ${needed} of ${event.type}`;
  return authoriseStateKey(authCase);
}

function authoriseType(authCase: AuthCase): string | undefined {
  if (authCase.event.type === 'm.room.power_levels') return authorisePowerLevels(authCase);
  if (authCase.event.type === 'm.room.redaction' && authCase.version.redactionAuth) return authoriseRedaction(authCase);
  return undefined;
}
