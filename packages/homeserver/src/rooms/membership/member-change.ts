import { cannotLeaveServerNoticeRoom, forbidden, guestAccessForbidden, invalidParam } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { asString, type JsonObject, sameJson } from '@hearth/protocol/json/value.ts';
import type { Write } from '../../storage/engine/database.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Acceptor } from '../accept.ts';
import type { Actor } from '../actor.ts';
import { Basis } from '../events/basis.ts';
import type { Head } from '../head.ts';
import type { PartialStates } from '../partial-state/partial-states.ts';
import { type BlocksInvites, checkInvites } from './invites.ts';
import { type ProfileOf, profileMembers } from './member-content.ts';
import type { RemoteMemberships } from './remote-memberships.ts';
import type { RestrictedJoins } from './restricted-join.ts';

interface MemberChangeParts {
  readonly acceptor: Acceptor;
  readonly partialStates: PartialStates;
  readonly restrictedJoins: RestrictedJoins;
  readonly profileOf: ProfileOf;
  readonly blocksInvites: BlocksInvites;
  readonly serverName: string;
  /** The user who sends server notices, whose invites users cannot reject. */
  readonly noticesSender: string | undefined;
}

/** A request to change a membership. */
export interface MemberRequest {
  readonly actor: Actor;
  /** The user whose membership changes. */
  readonly target: string;
  /** The content of the member event. Members that only servers set are ignored. */
  readonly content: JsonObject;
  /**
   * Checks the membership before the change. Returns true when nothing has to change; throws to refuse. It is called
   * again when the membership changes before the event is accepted.
   */
  readonly check?: (membership: string | undefined) => boolean;
  /** Overrides the time, for application services. Milliseconds. */
  readonly ts?: number | undefined;
  /** The time for which the event is sticky (MSC4354), in milliseconds. */
  readonly stickyMs?: number | undefined;
  /** Writes that belong to the same transaction, if an event is sent. */
  readonly with?: readonly Write[] | undefined;
  /** Whether the target leaves because the account is deactivated, which is possible everywhere. */
  readonly isDeactivation?: boolean;
}

/** Returns the content of a member event without the members that only servers may set. */
export function withoutServerMembers(content: JsonObject): JsonObject {
  const { join_authorised_via_users_server: _authoriser, third_party_invite: _invite, ...rest } = content;
  return rest;
}

/** Checks that a guest only joins or leaves rooms (client-server API, "Guest Access"). */
function checkGuest({ actor, target, content }: MemberRequest): void {
  if (!actor.isGuest) return;
  const { membership } = content;
  if (target !== actor.userId || (membership !== 'join' && membership !== 'leave')) throw guestAccessForbidden();
}

/** The content that the server sends, and the state on which it is based. */
interface Completed {
  readonly content: JsonObject;
  readonly basis: Basis;
}

const NOTHING: Completed = { content: {}, basis: new Basis([]) };

/**
 * Changes memberships. Every change of a membership by a user of this server uses this class, whatever endpoint or
 * delayed event it comes from. Exceptions are the first events of a new room (`create.ts`) and new profiles, which do
 * not change the membership (`member-profiles.ts`).
 */
export class MemberChanges {
  readonly #parts: MemberChangeParts;
  #remote: RemoteMemberships | undefined;

  constructor(parts: MemberChangeParts) {
    this.#parts = parts;
  }

  /** Makes invites of users of other servers possible. */
  useRemote(remote: RemoteMemberships): void {
    this.#remote = remote;
  }

  /**
   * Changes a membership. A change without an effect creates no event.
   * @throws MatrixError M_FORBIDDEN, M_GUEST_ACCESS_FORBIDDEN, M_INVITE_BLOCKED, M_INVALID_PARAM
   */
  async change(head: Head, request: MemberRequest): Promise<StoredEvent> {
    const { acceptor } = this.#parts;
    const { actor, target, ts, stickyMs, with: writes } = request;
    if (parseUserId(target) === undefined) throw invalidParam(`${target} is not a valid user id`);
    const asked = { ...request, content: withoutServerMembers(request.content) };
    checkGuest(asked);
    await this.#knowTarget(head, target);
    if (asked.content.membership === 'invite' && domainOf(target) !== this.#parts.serverName)
      return this.#inviteRemote(head, asked);
    return acceptor.untilAccepted(head, async (current) => {
      const before = await current.state('m.room.member', target);
      this.#checkNotices(asked, before);
      const isDone = request.check?.(asString(before?.content.membership)) === true;
      const { content, basis } = isDone ? NOTHING : await this.#complete(current, asked, before);
      if (before !== undefined && (isDone || (before.sender === actor.userId && sameJson(before.content, content)))) {
        await current.pending;
        return before;
      }
      const draft = {
        type: 'm.room.member',
        stateKey: target,
        sender: actor.userId,
        content,
        ...(ts !== undefined && { ts }),
        ...(stickyMs !== undefined && { stickyMs }),
      };
      const [event] = await acceptor.accept(current, [draft], { basis, ...(writes !== undefined && { with: writes }) });
      return event;
    });
  }

  /**
   * Checks that a user does not reject an invite to server notices (client-server API, "Server Notices").
   * @throws MatrixError M_CANNOT_LEAVE_SERVER_NOTICE_ROOM
   */
  #checkNotices({ actor, target, content, isDeactivation }: MemberRequest, before: StoredEvent | undefined): void {
    const { noticesSender } = this.#parts;
    const isRejection =
      target === actor.userId && content.membership === 'leave' && before?.content.membership === 'invite';
    if (isRejection && before.sender === noticesSender && isDeactivation !== true)
      throw cannotLeaveServerNoticeRoom('You cannot reject the invite to the notices of this server');
  }

  /**
   * Waits until the membership of the target is known, which decides about the change.
   * @throws MatrixError M_UNKNOWN if it does not become known in time
   */
  async #knowTarget(head: Head, target: string): Promise<void> {
    const { partialStates } = this.#parts;
    if (partialStates.of(head.num) === undefined) return;
    if ((await head.state('m.room.member', target)) === undefined) await partialStates.whole(head.num);
  }

  async #inviteRemote(head: Head, { actor, target, content }: MemberRequest): Promise<StoredEvent> {
    if (this.#remote === undefined) throw forbidden('This server does not federate');
    return this.#remote.invite(head, actor.userId, target, content);
  }

  async #complete(
    head: Head,
    { actor, target, content }: MemberRequest,
    before: StoredEvent | undefined,
  ): Promise<Completed> {
    const { profileOf, blocksInvites } = this.#parts;
    const isOwn = target === actor.userId;
    if (content.membership === 'join' && isOwn) return this.#completeJoin(head, actor, content, before);
    const basis = new Basis([[['m.room.member', target], before]]);
    if (content.membership === 'knock' && isOwn) return { content: await this.#withProfile(target, content), basis };
    if (content.membership !== 'invite') return { content, basis };
    const membership = before?.content.membership;
    if (membership !== 'invite' && membership !== 'join') await checkInvites(blocksInvites, actor.userId, [target]);
    // The inviter cannot choose the display name of the invited user.
    return { content: { ...content, ...profileMembers(await profileOf(target)) }, basis };
  }

  /** Completes a join of the actor: checks guest access and joins a restricted room in the name of a member. */
  async #completeJoin(
    head: Head,
    actor: Actor,
    content: JsonObject,
    before: StoredEvent | undefined,
  ): Promise<Completed> {
    const membership = asString(before?.content.membership);
    const rules = await head.state('m.room.join_rules');
    const access = await head.state('m.room.guest_access');
    if (actor.isGuest && membership !== 'join' && access?.content.guest_access !== 'can_join') {
      throw guestAccessForbidden('Guests are not allowed to join this room');
    }
    const authorisation = await this.#parts.restrictedJoins.authorise(head, actor, { membership, rules });
    return {
      content: {
        ...(await this.#withProfile(actor.userId, content)),
        ...(before?.content.is_direct === true && { is_direct: true }),
        ...(authorisation?.authoriser !== undefined && { join_authorised_via_users_server: authorisation.authoriser }),
      },
      basis: new Basis(
        [
          [['m.room.member', actor.userId], before],
          [['m.room.join_rules', ''], rules],
          [['m.room.guest_access', ''], access],
        ],
        authorisation?.holds,
      ),
    };
  }

  /** Adds missing members of the profile. Users may choose their own name in a room. */
  async #withProfile(userId: string, content: JsonObject): Promise<JsonObject> {
    return { ...profileMembers(await this.#parts.profileOf(userId)), ...content };
  }
}
