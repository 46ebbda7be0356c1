import {
  badAlias,
  forbidden,
  invalidParam,
  invalidRoomState,
  MatrixError,
  roomInUse,
  unsupportedRoomVersion,
} from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type RoomVersion, roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { Fenced } from '../../storage/engine/database.ts';
import type { Acceptor } from '../accept.ts';
import type { Aliases } from '../aliases.ts';
import { aliasesIn } from '../events/check-content.ts';
import { type BlocksInvites, checkInvites } from '../membership/invites.ts';
import { withoutServerMembers } from '../membership/member-change.ts';
import { type MemberProfile, memberContent, type ProfileOf, profileMembers } from '../membership/member-content.ts';
import type { RemoteMemberships } from '../membership/remote-memberships.ts';
import { type InitialState, initialEvents, type RoomOptions } from './initial-events.ts';
import type { NewRooms } from './new-rooms.ts';

/** The part of the configuration about new rooms. */
export interface CreationSettings {
  readonly serverName: string;
  readonly defaultRoomVersion: string;
  /** Whether only administrators may publish rooms in the directory. */
  readonly onlyAdministratorsPublish: boolean;
}

interface CreationParts {
  readonly acceptor: Acceptor;
  readonly newRooms: NewRooms;
  readonly aliases: Aliases;
  readonly profileOf: ProfileOf;
  readonly blocksInvites: BlocksInvites;
  readonly settings: CreationSettings;
}

/** The user who creates a room. */
export interface Creator {
  readonly userId: string;
  readonly user: number;
  readonly isAdmin: boolean;
  /** The id of the application service that acts for the user, if one does. */
  readonly applicationService?: string;
}

/** The creation of rooms. */
export class RoomCreation {
  readonly #parts: CreationParts;
  #remote: RemoteMemberships | undefined;

  constructor(parts: CreationParts) {
    this.#parts = parts;
  }

  /** Makes invites of users of other servers possible. */
  useRemote(remote: RemoteMemberships): void {
    this.#remote = remote;
  }

  /**
   * Creates a room with everything that the request asks for, in one transaction. Users of other servers are invited
   * afterwards, because their servers sign the invites.
   * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION, M_ROOM_IN_USE, M_INVALID_ROOM_STATE, M_INVALID_PARAM, M_BAD_ALIAS,
   *   M_INVITE_BLOCKED, M_FORBIDDEN
   */
  async create(creator: Creator, options: RoomOptions): Promise<{ roomId: string; alias?: string }> {
    const { acceptor, newRooms, aliases, profileOf, settings } = this.#parts;
    const version = knownVersion(options.room_version ?? settings.defaultRoomVersion);
    const isPublished = options.visibility === 'public';
    if (isPublished && settings.onlyAdministratorsPublish && !creator.isAdmin) {
      throw forbidden('Only administrators are allowed to publish rooms on this server');
    }
    const alias =
      options.room_alias_name === undefined ? undefined : await this.#freeAlias(options.room_alias_name, creator);
    const profiles = await this.#profilesOfInvited(creator, options);
    const initialState = (options.initial_state ?? []).map((event) => checkedState(event, profiles, alias));
    const opened = await newRooms.open(version, {
      creator: creator.userId,
      content: createContent(creator.userId, options, version),
      isPublished,
    });
    const { head, create } = opened;
    const member = memberContent('join', await profileOf(creator.userId));
    const given = { creator: creator.userId, member, version, profiles, ...(alias !== undefined && { alias }) };
    const [invited, remote] = this.#byServer(options.invite ?? []);
    const drafts = [
      create,
      ...initialEvents({ ...given, options: { ...options, invite: invited, initial_state: initialState } }),
    ];
    const guards = alias === undefined ? [] : [aliases.insert(alias, head.num, creator.user)];
    try {
      await acceptor.accept(head, drafts, { isNew: true, guards });
    } catch (error) {
      newRooms.discard(opened);
      if (error instanceof Fenced && alias !== undefined) throw roomInUse(`The alias ${alias} is already in use`);
      // The creator has all power in the new room, so the rules only refuse events that contradict the request.
      if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw invalidRoomState(error.message);
      throw error;
    }
    for (const userId of remote) {
      const isDirect = options.is_direct === true;
      await this.#remote?.invite(head, creator.userId, userId, memberContent('invite', {}, { isDirect }));
    }
    return { roomId: head.roomId, ...(alias === undefined ? {} : { alias }) };
  }

  /** Returns the users of this server and those of other servers among some users. */
  #byServer(userIds: readonly string[]): [local: string[], remote: string[]] {
    const isLocal = (userId: string) => domainOf(userId) === this.#parts.settings.serverName;
    return [userIds.filter(isLocal), [...new Set(userIds.filter((userId) => !isLocal(userId)))]];
  }

  async #freeAlias(localpart: string, creator: Creator): Promise<string> {
    const { aliases, settings } = this.#parts;
    const alias = `#${localpart}:${settings.serverName}`;
    if (!aliases.isValid(alias)) throw invalidParam(`${alias} is not a valid room alias`);
    aliases.checkReserved(alias, creator);
    if ((await aliases.find(alias)) !== undefined) throw roomInUse(`The alias ${alias} is already in use`);
    return alias;
  }

  /** Checks all users whom the request invites, in `invite` or `initial_state`, and loads their profiles. */
  async #profilesOfInvited(
    { userId: inviter }: Creator,
    options: RoomOptions,
  ): Promise<ReadonlyMap<string, MemberProfile>> {
    const { profileOf, blocksInvites, settings } = this.#parts;
    const invited = new Set(options.invite);
    for (const { type, state_key, content } of options.initial_state ?? []) {
      if (type === 'm.room.member' && content.membership === 'invite') invited.add(state_key ?? '');
    }
    for (const userId of invited) {
      if (parseUserId(userId) === undefined) throw invalidParam(`${userId} is not a valid user id`);
      const isRemote = domainOf(userId) !== settings.serverName;
      if (isRemote && this.#remote === undefined) throw forbidden('This server does not federate');
    }
    const local = [...invited].filter((userId) => domainOf(userId) === settings.serverName);
    await checkInvites(blocksInvites, inviter, local);
    const profiles = new Map<string, MemberProfile>();
    for (const userId of local) profiles.set(userId, await profileOf(userId));
    return profiles;
  }
}

/** @throws MatrixError M_UNSUPPORTED_ROOM_VERSION */
export function knownVersion(id: string): RoomVersion {
  const version = roomVersion(id);
  if (version === undefined) throw unsupportedRoomVersion(`Room version ${id} is not supported`);
  return version;
}

/** Checks `initial_state` in the same way as state events of an existing room. */
function checkedState(
  event: InitialState,
  profiles: ReadonlyMap<string, MemberProfile>,
  alias: string | undefined,
): InitialState {
  const { type, state_key: stateKey = '', content } = event;
  if (type === 'm.room.canonical_alias' && stateKey === '') {
    const foreign = aliasesIn(content).find((named) => named !== alias);
    if (foreign !== undefined) throw badAlias(`${foreign} does not point to this room`);
  }
  if (type !== 'm.room.member') return event;
  const invited = content.membership === 'invite' ? profiles.get(stateKey) : undefined;
  return { ...event, content: { ...withoutServerMembers(content), ...(invited && profileMembers(invited)) } };
}

/**
 * Returns the content of the create event (without `creator` since rooms/v11). Keys of the server override those of the
 * request.
 */
function createContent(creator: string, options: RoomOptions, version: RoomVersion): JsonObject {
  const content: JsonObject = { ...options.creation_content, ...identity(creator, version) };
  if (version.creatorsPrivileged && options.preset === 'trusted_private_chat') {
    const asked = Array.isArray(content.additional_creators) ? content.additional_creators : [];
    content.additional_creators = [...new Set([...asked, ...(options.invite ?? [])])];
  }
  return content;
}

/** Returns the members of a create event's content that the server sets. */
export function identity(creator: string, version: RoomVersion): JsonObject {
  return { room_version: version.id, ...(version.implicitCreator ? {} : { creator }) };
}
