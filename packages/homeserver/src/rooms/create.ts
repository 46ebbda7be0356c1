import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import {
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
import type { Write } from '../storage/database.ts';
import { emptyState } from '../storage/state-tree.ts';
import { type AcceptDeps, accept } from './accept.ts';
import type { Aliases } from './aliases.ts';
import { canonically } from './build.ts';
import type { EventDraft } from './draft.ts';
import { Head } from './head.ts';
import { initialEvents, type RoomOptions } from './initial-events.ts';
import { checkInvites, type InviteDeps } from './invites.ts';
import { memberContent, type ProfileOf } from './member-content.ts';

/** What creating rooms needs besides the door for events. */
export interface CreateDeps extends AcceptDeps, InviteDeps {
  readonly aliases: Aliases;
  readonly profileOf: ProfileOf;
  readonly defaultRoomVersion: string;
  /** Makes the local part of a room id, for versions up to 11. */
  readonly opaqueRoomId: () => string;
}

/**
 * Creates a room with everything that the request asks for, in one transaction.
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION, M_ROOM_IN_USE, M_INVALID_ROOM_STATE, M_INVALID_PARAM
 */
export async function createRoom(
  deps: CreateDeps,
  creator: string,
  options: RoomOptions,
): Promise<{ roomId: string; alias?: string }> {
  const version = roomVersion(options.room_version ?? deps.defaultRoomVersion);
  if (version === undefined) throw unsupportedRoomVersion(`Hearth does not know room version ${options.room_version}`);
  for (const invitee of options.invite ?? []) {
    if (parseUserId(invitee) === undefined) throw invalidParam(`${invitee} is no user id`);
    if (domainOf(invitee) !== deps.signer.serverName) throw forbidden('This server does not federate yet');
  }
  await checkInvites(deps, options.invite ?? []);
  const alias = options.room_alias_name === undefined ? undefined : await freeAlias(deps, options.room_alias_name);
  const ts = deps.clock.now();
  const create: EventDraft = {
    type: 'm.room.create',
    stateKey: '',
    sender: creator,
    content: createContent(creator, options, version),
    ts,
  };
  const roomId = version.createRoomIdHash
    ? canonically(() => hashRoomId(create, ts, version))
    : `!${deps.opaqueRoomId()}:${deps.signer.serverName}`;
  const head = await newHead(deps, roomId, version, options.visibility === 'public');
  const profile = await deps.profileOf(creator);
  const member = memberContent('join', profile);
  const drafts = [
    create,
    ...initialEvents({ creator, member, version, ...(alias === undefined ? {} : { alias }), options }),
  ];
  const writes: Write[] = [];
  if (alias !== undefined) writes.push(deps.aliases.insert(alias, head.num, await deps.names.num(creator)));
  deps.heads.add(head);
  try {
    await accept(deps, head, drafts, { isNew: true, with: writes });
  } catch (error) {
    deps.heads.drop(head);
    // The caller may do anything in its own room, so what the rules refuse is the request's own contradiction.
    if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw invalidRoomState(error.message);
    throw error;
  }
  return { roomId, ...(alias === undefined ? {} : { alias }) };
}

async function freeAlias(deps: CreateDeps, localpart: string): Promise<string> {
  const alias = `#${localpart}:${deps.signer.serverName}`;
  if (!deps.aliases.isValid(alias)) throw invalidParam(`${alias} is no valid room alias`);
  if ((await deps.aliases.find(alias)) !== undefined) throw roomInUse(`The alias ${alias} is taken`);
  return alias;
}

/** The content of the create event (rooms/v11: no `creator` any more). Keys of the server win over the request's. */
function createContent(creator: string, options: RoomOptions, version: RoomVersion): JsonObject {
  const content: JsonObject = { ...options.creation_content, room_version: version.id };
  if (!version.implicitCreator) content.creator = creator;
  if (version.creatorsPrivileged && options.preset === 'trusted_private_chat') {
    const asked = Array.isArray(content.additional_creators) ? content.additional_creators : [];
    content.additional_creators = [...new Set([...asked, ...(options.invite ?? [])])];
  }
  return content;
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

async function newHead(deps: CreateDeps, roomId: string, version: RoomVersion, published: boolean): Promise<Head> {
  const row = {
    num: await deps.names.num(roomId),
    version: version.id,
    fence: 0,
    seq: 0,
    lastEvent: 0,
    depth: 0,
    snapshot: 0,
    root: emptyState(),
    extremities: [],
    joined: 0,
    invited: 0,
    published,
  };
  return new Head(roomId, version, { row, extremities: [], joined: [] }, deps);
}
