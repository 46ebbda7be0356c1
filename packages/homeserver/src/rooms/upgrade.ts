import { forbidden, unsupportedRoomVersion } from '@hearth/protocol/errors.ts';
import { asObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { type RoomVersion, roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import { accept } from './accept.ts';
import { stateEvents } from './access.ts';
import { type CreateDeps, createRoom } from './create.ts';
import type { Head } from './head.ts';
import type { RoomOptions } from './initial-events.ts';
import { powersIn } from './powers.ts';

/** The state that goes along to the new room (client-server API, "Room upgrades", "Server behaviour"). */
const CARRIED_TYPES: ReadonlySet<string> = new Set([
  'm.room.server_acl',
  'm.room.encryption',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.guest_access',
  'm.room.history_visibility',
  'm.room.join_rules',
  'm.room.power_levels',
]);

const ADMIN_POWER = 100;

/** What an upgrade asks for. */
export interface UpgradeRequest {
  readonly userId: string;
  readonly newVersion: string;
  readonly additionalCreators?: readonly string[] | undefined;
}

/**
 * Replaces a room by a new one of another version: the new room carries the old one's settings, bans, aliases and place
 * in the directory, and the old one ends with a tombstone.
 * @throws MatrixError M_FORBIDDEN, M_UNSUPPORTED_ROOM_VERSION
 */
export async function upgradeRoom(deps: CreateDeps, head: Head, request: UpgradeRequest): Promise<string> {
  const version = roomVersion(request.newVersion);
  if (version === undefined) throw unsupportedRoomVersion(`Hearth does not know room version ${request.newVersion}`);
  await checkPower(head, request.userId);
  const state = await stateEvents(deps, head.root);
  const options: RoomOptions = {
    room_version: version.id,
    creation_content: creationContent(head, state, version, request),
    initial_state: carriedState(state, { old: head.version, next: version }, request),
  };
  const { roomId } = await createRoom(deps, request.userId, options);
  await closeOld(deps, head, request.userId, roomId);
  await moveDirectory(deps, head, roomId);
  return roomId;
}

async function checkPower(head: Head, userId: string): Promise<void> {
  const member = await head.state('m.room.member', userId);
  if (member?.content.membership !== 'join') throw forbidden('You are not in this room');
  const powers = await powersIn(head);
  if (powers.of(userId) < powers.toSetState('m.room.tombstone')) {
    throw forbidden('You have not the power to upgrade this room');
  }
}

function creationContent(
  head: Head,
  state: readonly StoredEvent[],
  version: RoomVersion,
  request: UpgradeRequest,
): JsonObject {
  const old = state.find(({ type, stateKey }) => type === 'm.room.create' && stateKey === '')?.content ?? {};
  const {
    creator: _creator,
    room_version: _version,
    predecessor: _predecessor,
    additional_creators: _others,
    ...rest
  } = old;
  const lastEvent = head.extremities[0]?.eventId;
  return {
    ...rest,
    // From version 12 on the predecessor is named by its room alone (rooms/v12).
    predecessor: {
      room_id: head.roomId,
      ...(version.createRoomIdHash || lastEvent === undefined ? {} : { event_id: lastEvent }),
    },
    ...(version.creatorsPrivileged && request.additionalCreators !== undefined
      ? { additional_creators: [...request.additionalCreators] }
      : {}),
  };
}

function carriedState(
  state: readonly StoredEvent[],
  versions: { readonly old: RoomVersion; readonly next: RoomVersion },
  request: UpgradeRequest,
) {
  return state.flatMap((event) => {
    const { type, stateKey = '', content } = event;
    if (type === 'm.room.member') {
      return content.membership === 'ban' ? [{ type, state_key: stateKey, content }] : [];
    }
    const isChild = type === 'm.space.child' && Object.keys(content).length > 0;
    if (!isChild && (stateKey !== '' || !CARRIED_TYPES.has(type))) return [];
    const carried = type === 'm.room.power_levels' ? carriedLevels(content, versions, request) : content;
    return [{ type, state_key: stateKey, content: carried }];
  });
}

/**
 * Creators of version 12 must not be listed: their power is infinite anyway. In the other direction they have to be, and
 * what only they could do is for the highest level that others can have.
 */
function carriedLevels(
  content: JsonObject,
  versions: { readonly old: RoomVersion; readonly next: RoomVersion },
  request: UpgradeRequest,
): JsonObject {
  const { old, next } = versions;
  if (!next.creatorsPrivileged && !old.creatorsPrivileged) return content;
  if (!next.creatorsPrivileged) {
    const events = Object.entries(asObject(content.events) ?? {}).map(([type, level]) => [
      type,
      typeof level === 'number' ? Math.min(level, ADMIN_POWER) : level,
    ]);
    return {
      ...content,
      events: Object.fromEntries(events) as JsonObject,
      users: { ...asObject(content.users), [request.userId]: ADMIN_POWER },
    };
  }
  const creators = new Set([request.userId, ...(request.additionalCreators ?? [])]);
  const users = Object.fromEntries(
    Object.entries(asObject(content.users) ?? {}).filter(([userId]) => !creators.has(userId)),
  );
  return { ...content, users };
}

/** The tombstone, and where the power suffices nobody else may go on talking. */
async function closeOld(deps: CreateDeps, head: Head, sender: string, replacement: string): Promise<void> {
  const content = { body: 'This room has been replaced', replacement_room: replacement };
  await accept(deps, head, [{ type: 'm.room.tombstone', stateKey: '', sender, content }]);
  const levels = (await head.state('m.room.power_levels'))?.content;
  if (levels === undefined) return;
  const usersDefault = typeof levels.users_default === 'number' ? levels.users_default : 0;
  const restricted = Math.max(50, usersDefault + 1);
  const closed = { ...levels, events_default: restricted, invite: restricted };
  const draft = { type: 'm.room.power_levels', stateKey: '', sender, content: closed };
  // Somebody may have the power for the tombstone but not for this: the upgrade is done all the same.
  await accept(deps, head, [draft]).catch(() => undefined);
}

/** Aliases and the listing move to the new room. */
async function moveDirectory(deps: CreateDeps, head: Head, roomId: string): Promise<void> {
  const next = await deps.heads.get(roomId);
  const aliases = await deps.aliases.ofRoom(head.num);
  const moves = aliases.flatMap(({ alias, creator }) => [
    deps.aliases.remove(alias),
    deps.aliases.insert(alias, next.num, creator),
  ]);
  const { published } = head.row;
  const listing = published ? [deps.rooms.publish(head.num, false), deps.rooms.publish(next.num, true)] : [];
  if (moves.length + listing.length === 0) return;
  await deps.stream.commit([...moves, ...listing], []);
  head.row = { ...head.row, published: false };
  next.row = { ...next.row, published };
}
