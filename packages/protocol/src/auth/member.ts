import { asObject, asString } from '../json/value.ts';
import { creatorOf } from './creators.ts';
import { powerLevelsOf, powerNeeded, powerOf } from './power.ts';
import { type AuthCase, joinRuleOf, membershipOf } from './state.ts';
import { isSignedByInvite } from './third-party-invite.ts';

/** A membership event with the user whose membership it changes. */
interface MemberCase extends AuthCase {
  readonly target: string;
}

/**
 * Applies the rules on `m.room.member` (rooms/v1, v7, v8 and v10, rules 4 or 5). The receiver checks that the server of
 * `join_authorised_via_users_server` has signed the event, see `requiredSigners`.
 */
export function authoriseMember(authCase: AuthCase): string | undefined {
  const target = authCase.event.stateKey;
  const membership = asString(authCase.event.content.membership);
  if (target === undefined) return 'm.room.member: it has no state_key';
  if (membership === undefined) return 'm.room.member: it has no membership';
  const memberCase = { ...authCase, target };
  switch (membership) {
    case 'join':
      return authoriseJoin(memberCase);
    case 'invite':
      return authoriseInvite(memberCase);
    case 'leave':
      return authoriseLeave(memberCase);
    case 'ban':
      return authoriseBan(memberCase);
    case 'knock':
      if (authCase.version.knock) return authoriseKnock(memberCase);
  }
  return 'm.room.member: the membership is unknown';
}

function authoriseJoin(authCase: MemberCase): string | undefined {
  const { event, state, create, version, target } = authCase;
  const isFirst = event.prevEvents.length === 1 && event.prevEvents[0] === create.eventId;
  if (isFirst && target === creatorOf(create, version)) return undefined;
  if (event.sender !== target) return 'join: the sender is not the one who joins';
  const current = membershipOf(state, target);
  if (current === 'ban') return 'join: the sender is banned';
  const rule = joinRuleOf(state);
  if (rule === 'public') return undefined;
  const isRestricted =
    (rule === 'restricted' && version.restrictedJoin) || (rule === 'knock_restricted' && version.knockRestricted);
  if (!isRestricted && rule !== 'invite' && !(rule === 'knock' && version.knock)) {
    return `join: the join rule ${rule} lets nobody in`;
  }
  if (current === 'join' || current === 'invite') return undefined;
  return isRestricted ? authoriseRestrictedJoin(authCase) : 'join: the sender is not invited';
}

function authoriseRestrictedJoin({ event, state, create, version }: MemberCase): string | undefined {
  const authoriser = asString(event.content.join_authorised_via_users_server);
  if (authoriser === undefined) return 'join: the room is restricted and nobody authorised the join';
  if (membershipOf(state, authoriser) !== 'join') return 'join: the authorising user is not in the room';
  const levels = powerLevelsOf(state);
  if (powerOf(authoriser, levels, create, version) >= powerNeeded('invite', levels, version)) return undefined;
  return 'join: the authorising user lacks the invite level';
}

function authoriseInvite(authCase: MemberCase): string | undefined {
  const { event, state, create, version, target } = authCase;
  if (event.content.third_party_invite !== undefined) return authoriseInviteByThirdParty(authCase);
  if (membershipOf(state, event.sender) !== 'join') return 'invite: the sender is not in the room';
  const current = membershipOf(state, target);
  if (current === 'join') return 'invite: the target is already in the room';
  if (current === 'ban') return 'invite: the target is banned';
  const levels = powerLevelsOf(state);
  if (powerOf(event.sender, levels, create, version) >= powerNeeded('invite', levels, version)) return undefined;
  return 'invite: the sender lacks the invite level';
}

function authoriseInviteByThirdParty({ event, state, target }: MemberCase): string | undefined {
  if (membershipOf(state, target) === 'ban') return 'invite: the target is banned';
  const signed = asObject(asObject(event.content.third_party_invite)?.signed);
  if (signed === undefined) return 'invite: third_party_invite has nothing signed';
  const token = asString(signed.token);
  if (signed.mxid === undefined || token === undefined) return 'invite: third_party_invite has no mxid and token';
  if (signed.mxid !== target) return 'invite: third_party_invite is for another user';
  const invite = state('m.room.third_party_invite', token);
  if (invite === undefined) return 'invite: there is no such third-party invite';
  if (invite.sender !== event.sender) return 'invite: the third-party invite has another sender';
  return isSignedByInvite(signed, invite.content) ? undefined : 'invite: third_party_invite is not validly signed';
}

function authoriseLeave({ event, state, create, version, target }: MemberCase): string | undefined {
  const current = membershipOf(state, target);
  if (event.sender === target) {
    const mayLeave = current === 'invite' || current === 'join' || (current === 'knock' && version.knock);
    return mayLeave ? undefined : 'leave: the sender is not in the room';
  }
  if (membershipOf(state, event.sender) !== 'join') return 'leave: the sender is not in the room';
  const levels = powerLevelsOf(state);
  const power = powerOf(event.sender, levels, create, version);
  if (current === 'ban' && power < powerNeeded('ban', levels, version)) return 'leave: the sender lacks the ban level';
  if (power < powerNeeded('kick', levels, version)) return 'leave: the sender lacks the kick level';
  return powerOf(target, levels, create, version) < power ? undefined : 'leave: the target has no less power';
}

function authoriseBan({ event, state, create, version, target }: MemberCase): string | undefined {
  if (membershipOf(state, event.sender) !== 'join') return 'ban: the sender is not in the room';
  const levels = powerLevelsOf(state);
  const power = powerOf(event.sender, levels, create, version);
  if (power < powerNeeded('ban', levels, version)) return 'ban: the sender lacks the ban level';
  return powerOf(target, levels, create, version) < power ? undefined : 'ban: the target has no less power';
}

function authoriseKnock({ event, state, version, target }: MemberCase): string | undefined {
  const rule = joinRuleOf(state);
  if (rule !== 'knock' && !(rule === 'knock_restricted' && version.knockRestricted)) {
    return `knock: the join rule is ${rule}`;
  }
  if (event.sender !== target) return 'knock: the sender is not the one who knocks';
  const current = membershipOf(state, target);
  if (current === 'ban' || current === 'invite' || current === 'join')
    return `knock: the sender's membership is ${current}`;
  return undefined;
}
