import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import {
  badAlias,
  forbidden,
  invalidParam,
  invalidRoomState,
  MatrixError,
  roomInUse,
  unsupportedRoomVersion,
} from '@hearth/protocol/errors.ts';
import type { PduDraft } from '@hearth/protocol/events/event.ts';
import { contentHashBytes, eventId } from '@hearth/protocol/events/hash.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type RoomVersion, roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { Fenced } from '../../storage/engine/database.ts';
import { emptyState } from '../../storage/state/state-tree.ts';
import { accept } from '../accept.ts';
import type { Aliases } from '../aliases.ts';
import { canonically } from '../events/build.ts';
import { aliasesIn } from '../events/check-content.ts';
import type { AcceptDeps } from '../events/decide.ts';
import type { EventDraft } from '../events/draft.ts';
import { Head } from '../head.ts';
import { checkInvites, type InviteDeps } from '../membership/invites.ts';
import { withoutServerMembers } from '../membership/member-change.ts';
import { type MemberProfile, memberContent, type ProfileOf, profileMembers } from '../membership/member-content.ts';
import { type InitialState, initialEvents, type RoomOptions } from './initial-events.ts';

/** The parts that creating rooms needs besides accepting events. */
export interface CreateDeps extends AcceptDeps, InviteDeps {
  readonly aliases: Aliases;
  readonly profileOf: ProfileOf;
  readonly defaultRoomVersion: string;
  /** Whether only administrators may publish rooms in the directory. */
  readonly onlyAdministratorsPublish: boolean;
  /** Makes the local part of a room id, for versions up to 11. */
  readonly opaqueRoomId: () => string;
}

/** The user who creates a room. */
export interface Creator {
  readonly userId: string;
  readonly user: number;
  readonly isAdmin: boolean;
}

/**
 * Creates a room with everything that the request asks for, in one transaction.
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION, M_ROOM_IN_USE, M_INVALID_ROOM_STATE, M_INVALID_PARAM, M_BAD_ALIAS,
 *   M_INVITE_BLOCKED, M_FORBIDDEN
 */
export async function createRoom(
  deps: CreateDeps,
  creator: Creator,
  options: RoomOptions,
): Promise<{ roomId: string; alias?: string }> {
  const version = knownVersion(options.room_version ?? deps.defaultRoomVersion);
  const isPublished = options.visibility === 'public';
  if (isPublished && deps.onlyAdministratorsPublish && !creator.isAdmin) {
    throw forbidden('Only administrators may publish rooms on this server');
  }
  const alias = options.room_alias_name === undefined ? undefined : await freeAlias(deps, options.room_alias_name);
  const profiles = await profilesOfInvited(deps, options);
  const initialState = (options.initial_state ?? []).map((event) => checkedState(event, profiles, alias));
  const { head, create } = await openRoom(deps, version, {
    creator: creator.userId,
    content: createContent(creator.userId, options, version),
    isPublished,
  });
  const member = memberContent('join', await deps.profileOf(creator.userId));
  const given = { creator: creator.userId, member, version, profiles, ...(alias !== undefined && { alias }) };
  const drafts = [create, ...initialEvents({ ...given, options: { ...options, initial_state: initialState } })];
  const guards = alias === undefined ? [] : [deps.aliases.insert(alias, head.num, creator.user)];
  try {
    await accept(deps, head, drafts, { isNew: true, guards });
  } catch (error) {
    deps.heads.drop(head);
    if (error instanceof Fenced && alias !== undefined) throw roomInUse(`The alias ${alias} is taken`);
    // The caller may do anything in its own room, so what the rules refuse is the request's own contradiction.
    if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw invalidRoomState(error.message);
    throw error;
  }
  return { roomId: head.roomId, ...(alias === undefined ? {} : { alias }) };
}

/** @throws MatrixError M_UNSUPPORTED_ROOM_VERSION */
export function knownVersion(id: string): RoomVersion {
  const version = roomVersion(id);
  if (version === undefined) throw unsupportedRoomVersion(`Hearth does not know room version ${id}`);
  return version;
}

async function freeAlias(deps: CreateDeps, localpart: string): Promise<string> {
  const alias = `#${localpart}:${deps.signer.serverName}`;
  if (!deps.aliases.isValid(alias)) throw invalidParam(`${alias} is no valid room alias`);
  if ((await deps.aliases.find(alias)) !== undefined) throw roomInUse(`The alias ${alias} is taken`);
  return alias;
}

/** Checks everybody whom the request invites, in `invite` or `initial_state`, and loads their profiles. */
async function profilesOfInvited(deps: CreateDeps, options: RoomOptions): Promise<ReadonlyMap<string, MemberProfile>> {
  const invited = new Set(options.invite);
  for (const { type, state_key, content } of options.initial_state ?? []) {
    if (type === 'm.room.member' && content.membership === 'invite') invited.add(state_key ?? '');
  }
  for (const userId of invited) {
    if (parseUserId(userId) === undefined) throw invalidParam(`${userId} is not a user id`);
    if (domainOf(userId) !== deps.signer.serverName) throw forbidden('This server does not federate yet');
  }
  await checkInvites(deps, [...invited]);
  const profiles = new Map<string, MemberProfile>();
  for (const userId of invited) profiles.set(userId, await deps.profileOf(userId));
  return profiles;
}

/** The same checks that a state event passes in a room that exists. */
function checkedState(
  event: InitialState,
  profiles: ReadonlyMap<string, MemberProfile>,
  alias: string | undefined,
): InitialState {
  const { type, state_key: stateKey = '', content } = event;
  if (type === 'm.room.canonical_alias' && stateKey === '') {
    const foreign = aliasesIn(content).find((named) => named !== alias);
    if (foreign !== undefined) throw badAlias(`${foreign} does not point at this room`);
  }
  if (type !== 'm.room.member') return event;
  const invited = content.membership === 'invite' ? profiles.get(stateKey) : undefined;
  return { ...event, content: { ...withoutServerMembers(content), ...(invited && profileMembers(invited)) } };
}

/** The content of the create event (rooms/v11: no `creator` any more). Keys of the server win over the request's. */
function createContent(creator: string, options: RoomOptions, version: RoomVersion): JsonObject {
  const content: JsonObject = { ...options.creation_content, ...identity(creator, version) };
  if (version.creatorsPrivileged && options.preset === 'trusted_private_chat') {
    const asked = Array.isArray(content.additional_creators) ? content.additional_creators : [];
    content.additional_creators = [...new Set([...asked, ...(options.invite ?? [])])];
  }
  return content;
}

/** The members of a create event's content that the server sets. */
export function identity(creator: string, version: RoomVersion): JsonObject {
  return { room_version: version.id, ...(version.implicitCreator ? {} : { creator }) };
}

/** A room that is about to be created. */
export interface OpenedRoom {
  readonly head: Head;
  readonly create: EventDraft;
}

/**
 * Prepares the head and the create event of a new room. From version 12 on the room id is the hash of that event: when
 * there is a room of that id already, since somebody has created an equal one in the same millisecond, the event gets
 * the next one.
 */
export async function openRoom(
  deps: CreateDeps,
  version: RoomVersion,
  { creator, content, isPublished }: { creator: string; content: JsonObject; isPublished: boolean },
): Promise<OpenedRoom> {
  for (let ts = deps.clock.now(); ; ts += 1) {
    const create: EventDraft = { type: 'm.room.create', stateKey: '', sender: creator, content, ts };
    const roomId = version.createRoomIdHash
      ? canonically(() => hashRoomId(create, ts, version))
      : `!${deps.opaqueRoomId()}:${deps.signer.serverName}`;
    const num = await deps.names.reserve(roomId);
    const existing = await deps.heads.byNum(num);
    // Another request may have taken the id during the query.
    if (existing !== undefined || deps.heads.cached(num) !== undefined) continue;
    const head = newHead(deps, { roomId, num, version, isPublished });
    deps.heads.add(head);
    return { head, create };
  }
}

/** From version 12 on a room's id is the id of its create event with another sigil. */
function hashRoomId({ sender, content, type, stateKey }: EventDraft, ts: number, version: RoomVersion): string {
  const draft: PduDraft & JsonObject = {
    sender,
    type,
    state_key: stateKey ?? '',
    content,
    depth: 1,
    prev_events: [],
    auth_events: [],
    origin_server_ts: ts,
  };
  const hashed = { ...draft, hashes: { sha256: encodeBase64(contentHashBytes(draft, version)) } };
  return `!${eventId(hashed, version).slice(1)}`;
}

function newHead(
  deps: CreateDeps,
  room: { roomId: string; num: number; version: RoomVersion; isPublished: boolean },
): Head {
  const row = {
    num: room.num,
    version: room.version.id,
    fence: 0,
    seq: 0,
    lastEvent: 0,
    depth: 0,
    snapshot: 0,
    root: emptyState(),
    extremities: [],
    joined: 0,
    invited: 0,
    published: room.isPublished,
  };
  return new Head(room.roomId, room.version, { row, extremities: [], joined: [] }, deps);
}
