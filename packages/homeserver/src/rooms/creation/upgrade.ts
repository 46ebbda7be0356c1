import { powerLevel } from '@hearth/protocol/auth/power.ts';
import { forbidden, invalidRoomState, MatrixError } from '@hearth/protocol/errors.ts';
import { asObject, asString, asStringArray, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { Fenced, type Write } from '../../storage/engine/database.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';
import type { Acceptor } from '../accept.ts';
import type { Aliases } from '../aliases.ts';
import { Basis } from '../events/basis.ts';
import type { EventDraft } from '../events/draft.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import { memberContent, type ProfileOf } from '../membership/member-content.ts';
import { powersIn } from '../powers.ts';
import { carriedState, READ_TYPES } from './carried-state.ts';
import { identity, knownVersion } from './create.ts';
import type { NewRooms, OpenedRoom } from './new-rooms.ts';

/** A request to replace a room. */
export interface UpgradeRequest {
  readonly userId: string;
  readonly newVersion: string;
  readonly additionalCreators?: readonly string[] | undefined;
}

interface Upgrade {
  readonly request: UpgradeRequest;
  readonly version: RoomVersion;
  readonly basis: Basis;
}

interface UpgradeParts {
  readonly acceptor: Acceptor;
  readonly heads: Heads;
  readonly newRooms: NewRooms;
  readonly aliases: Aliases;
  readonly rooms: RoomStore;
  readonly profileOf: ProfileOf;
}

/** The replacement of rooms by new ones of other versions. */
export class RoomUpgrades {
  readonly #parts: UpgradeParts;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
  }

  /**
   * Replaces a room. The new room gets the settings, bans, aliases and directory entry of the old room, which gets a
   * tombstone. The upgrade is one transaction. Returns the id of the new room.
   * @throws MatrixError M_FORBIDDEN, M_UNSUPPORTED_ROOM_VERSION, M_INVALID_ROOM_STATE
   */
  async upgrade(room: Head, request: UpgradeRequest): Promise<string> {
    const version = knownVersion(request.newVersion);
    return this.#parts.acceptor.untilAccepted(room, async (head) => {
      const basis = await readBasis(head, request.userId);
      await this.#refuseReplaced(head);
      return this.#replace(head, { request, version, basis });
    });
  }

  /**
   * Refuses a room that has been replaced, also by a request at the same time. A room without its tombstone can be
   * replaced again.
   * @throws MatrixError M_FORBIDDEN
   */
  async #refuseReplaced(head: Head): Promise<void> {
    const replacement = asString((await head.state('m.room.tombstone'))?.content.replacement_room);
    const next = replacement === undefined ? undefined : await this.#parts.heads.find(replacement);
    const predecessor = asObject((await next?.state('m.room.create'))?.content.predecessor);
    if (predecessor?.room_id === head.roomId) throw forbidden(`The room has already been replaced by ${replacement}`);
  }

  /** Replaces a room; undefined when it has changed in the meantime. */
  async #replace(head: Head, upgrade: Upgrade): Promise<string | undefined> {
    const { acceptor, newRooms, aliases, rooms, profileOf } = this.#parts;
    const { request, version, basis } = upgrade;
    const { userId: creator, additionalCreators = [] } = request;
    const state = await head.statesOfTypes(READ_TYPES);
    const member = memberContent('join', await profileOf(creator));
    const carried = carriedState({ state, old: head.version, next: version, creator, additionalCreators });
    const closing = await closingDrafts(head, creator);
    const content = creationContent(head, state, upgrade);
    const isPublished = head.row.published;
    const opened = await newRooms.open(version, { creator, content, isPublished });
    const next = opened.head;
    const drafts = [
      opened.create,
      { type: 'm.room.member', stateKey: creator, sender: creator, content: member },
      ...carried,
    ];
    const moves: Write[] = [aliases.move(head.num, next.num)];
    if (isPublished) moves.push(rooms.publish(head.num, false));
    try {
      const events = await acceptor.acceptTogether([
        { head, drafts: [tombstone(creator, next.roomId), ...closing], basis, with: moves },
        { head: next, drafts, isNew: true, complete: ([first]) => withPredecessor(opened, drafts, first) },
      ]);
      if (events.length === 0) {
        newRooms.discard(opened);
        return undefined;
      }
    } catch (error) {
      newRooms.discard(opened);
      if (error instanceof Fenced) return undefined;
      if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') throw invalidRoomState(error.message);
      throw error;
    }
    if (isPublished) head.row = { ...head.row, published: false };
    return next.roomId;
  }
}

/** Returns the state that an upgrade rests on, which is all of it. @throws MatrixError M_FORBIDDEN */
async function readBasis(head: Head, userId: string): Promise<Basis> {
  const root = head.root;
  const member = await head.state('m.room.member', userId);
  if (member?.content.membership !== 'join') throw forbidden('You are not in this room');
  const powers = await powersIn(head);
  if (powers.of(userId) < powers.toSetState('m.room.tombstone')) {
    throw forbidden('Your power level is too low to upgrade this room');
  }
  return new Basis([], () => head.root === root);
}

function creationContent(head: Head, state: readonly StoredEvent[], { request, version }: Upgrade): JsonObject {
  const old = state.find(({ type, stateKey }) => type === 'm.room.create' && stateKey === '')?.content ?? {};
  const { creator: _creator, predecessor: _predecessor, additional_creators: _others, ...rest } = old;
  return {
    ...rest,
    ...identity(request.userId, version),
    predecessor: { room_id: head.roomId },
    ...(version.creatorsPrivileged &&
      request.additionalCreators !== undefined && { additional_creators: [...request.additionalCreators] }),
  };
}

/**
 * Adds the tombstone to the predecessor, which room versions up to 11 require. From version 12 on, the predecessor
 * names only the room (rooms/v12).
 */
function withPredecessor({ head, create }: OpenedRoom, drafts: readonly EventDraft[], first: StoredEvent | undefined) {
  if (head.version.createRoomIdHash || first === undefined) return drafts;
  const predecessor = { room_id: first.roomId, event_id: first.eventId };
  return [{ ...create, content: { ...create.content, predecessor } }, ...drafts.slice(1)];
}

function tombstone(sender: string, replacement: string): EventDraft {
  const content = { body: 'This room has been replaced', replacement_room: replacement };
  return { type: 'm.room.tombstone', stateKey: '', sender, content };
}

/** Returns the events after the tombstone for which the user has enough power. The upgrade does not depend on them. */
async function closingDrafts(head: Head, sender: string): Promise<EventDraft[]> {
  const powers = await powersIn(head);
  const may = (type: string) => powers.of(sender) >= powers.toSetState(type);
  const draft = (type: string, content: JsonObject) => ({ type, stateKey: '', sender, content });
  const aliases = (await head.state('m.room.canonical_alias'))?.content;
  const hasAliases = typeof aliases?.alias === 'string' || (asStringArray(aliases?.alt_aliases) ?? []).length > 0;
  const levels = (await head.state('m.room.power_levels'))?.content;
  const closed = levels === undefined ? undefined : closedLevels(levels, head.version, powers.of(sender));
  return [
    ...(hasAliases && may('m.room.canonical_alias') ? [draft('m.room.canonical_alias', {})] : []),
    ...(closed !== undefined && may('m.room.power_levels') ? [draft('m.room.power_levels', closed)] : []),
  ];
}

/**
 * Returns power levels with which only moderators can send messages and invites in the old room (client-server API,
 * "Room upgrades"); undefined if the levels are sufficient, or if the user may not set them.
 */
function closedLevels(levels: JsonObject, version: RoomVersion, power: number): JsonObject | undefined {
  const number = (key: 'users_default' | 'events_default' | 'invite') => powerLevel(levels[key], version) ?? 0;
  const needed = Math.max(50, number('users_default') + 1);
  const raised = (['events_default', 'invite'] as const).filter((key) => number(key) < needed);
  if (raised.length === 0 || needed > power) return undefined;
  return { ...levels, ...Object.fromEntries(raised.map((key) => [key, needed])) };
}
