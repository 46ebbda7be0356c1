import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { eventIdOfStored } from '../../packages/homeserver/src/storage/rooms/events/stored-event.ts';
import type { SimStorage } from './sim-database.ts';

/** An event in the database. */
export interface TrueEvent {
  /** The event's position in the server's stream. */
  readonly num: number;
  readonly id: string;
  readonly type: string;
  readonly sender: string;
  readonly stateKey: string | undefined;
  readonly content: JsonObject;
  readonly ts: number;
  readonly isRedacted: boolean;
}

interface Row {
  readonly num: number;
  readonly id: Uint8Array;
  readonly room: string;
  readonly version: string;
  readonly type: string;
  readonly sender: string;
  readonly state_key: string | null;
  readonly content: string;
  readonly ts: number;
  readonly redacted_by: number | null;
}

const EVENTS = `SELECT e.num, e.id, room.text AS room, r.version, type.text AS type, sender.text AS sender,
  key.text AS state_key, e.content, e.ts, e.redacted_by FROM events e JOIN rooms r ON r.num = e.room
  JOIN names room ON room.num = e.room JOIN names type ON type.num = e.type JOIN names sender ON sender.num = e.sender
  LEFT JOIN names key ON key.num = e.state_key WHERE e.seq > 0 AND e.room IN
  (SELECT room FROM events WHERE num > ?) ORDER BY e.room, e.seq`;

const FORGOTTEN = `SELECT m.forgotten FROM memberships m JOIN names u ON u.num = m.user_num JOIN names r ON r.num = m.room
  WHERE u.text = ? AND r.text = ?`;

/** The truth: the events of every room in order, and everything else computed from them in the simplest way. */
export class Truth {
  readonly rooms = new Map<string, RoomTruth>();
  /** The user whom each user ignores during the whole simulation. */
  readonly ignored = new Map<string, string>();
  readonly #database: SimStorage;
  #upTo = 0;

  constructor(database: SimStorage) {
    this.#database = database;
  }

  /** The position of the last event. */
  get upTo(): number {
    return this.#upTo;
  }

  /** Reads new events from the database. */
  refresh(): void {
    const rooms = Map.groupBy(this.#database.look<Row>(EVENTS, this.#upTo), (row) => row.room);
    for (const [roomId, rows] of rooms) {
      this.rooms.set(roomId, new RoomTruth(roomId, rows.map(toEvent), this.ignored));
      this.#upTo = Math.max(this.#upTo, ...rows.map(({ num }) => num));
    }
  }

  room(roomId: string): RoomTruth {
    const room = this.rooms.get(roomId);
    if (room === undefined) throw new Error(`there is no room ${roomId}`);
    return room;
  }

  /** Returns whether a user has forgotten a room that they left. */
  hasForgotten(userId: string, roomId: string): boolean {
    const rows = this.#database.look<{ forgotten: number }>(FORGOTTEN, userId, roomId);
    return rows[0]?.forgotten === 1;
  }

  /** Returns the rooms in which a user has a membership. */
  roomsOf(userId: string, membership: string): string[] {
    return [...this.rooms.values()]
      .filter((room) => room.membershipOf(userId) === membership)
      .map(({ roomId }) => roomId);
  }
}

/** The truth about a room. */
export class RoomTruth {
  readonly roomId: string;
  readonly events: readonly TrueEvent[];
  readonly byId: ReadonlyMap<string, TrueEvent>;
  readonly #ignored: ReadonlyMap<string, string>;

  constructor(roomId: string, events: readonly TrueEvent[], ignored: ReadonlyMap<string, string>) {
    this.roomId = roomId;
    this.events = events;
    this.#ignored = ignored;
    this.byId = new Map(events.map((event) => [event.id, event]));
  }

  /** Returns the state after all events up to a position, by type and state key. */
  state(upTo = Number.POSITIVE_INFINITY): Map<string, TrueEvent> {
    const state = new Map<string, TrueEvent>();
    for (const event of this.events) {
      if (event.num > upTo) break;
      if (event.stateKey !== undefined) state.set(stateKeyOf(event.type, event.stateKey), event);
    }
    return state;
  }

  /** Returns a user's membership; `none` for a user without a member event. */
  membershipOf(userId: string, upTo?: number): string {
    const event = this.state(upTo).get(stateKeyOf('m.room.member', userId));
    return asString(event?.content.membership) ?? 'none';
  }

  /** Returns whether the room has a name or an alias. */
  isNamed(): boolean {
    const state = this.state();
    const [name, alias] = [state.get('m.room.name|'), state.get('m.room.canonical_alias|')];
    return [name?.content.name, alias?.content.alias].some((text) => typeof text === 'string' && text !== '');
  }

  memberCount(membership: string): number {
    return [...this.state().values()].filter(
      ({ type, content }) => type === 'm.room.member' && content.membership === membership,
    ).length;
  }

  /** Returns the event by which a user joined: a current member, or one who left before `end`. */
  joinOf(userId: string, end?: number): TrueEvent | undefined {
    let join: TrueEvent | undefined;
    for (const event of this.events) {
      if (event.num === end) break;
      if (event.type !== 'm.room.member' || event.stateKey !== userId) continue;
      if (event.content.membership !== 'join') join = undefined;
      else join ??= event;
    }
    return join;
  }

  /** Returns the position of the last event up to a position that left a user outside the room; 0 without one. */
  leavingBefore(userId: string, num: number): number {
    const own = this.events.filter(({ type, stateKey }) => type === 'm.room.member' && stateKey === userId);
    return own.findLast((event) => event.num <= num && event.content.membership !== 'invite')?.num ?? 0;
  }

  /** Returns the event that ended a user's last membership; `undefined` if the user was never a member. */
  endOfMembership(userId: string): TrueEvent | undefined {
    return this.joinEndBefore(userId, Number.POSITIVE_INFINITY);
  }

  /** Returns the result of `endOfMembership` as of a position. */
  joinEndBefore(userId: string, upTo: number): TrueEvent | undefined {
    const own = this.events.filter(
      ({ type, stateKey, num }) => num <= upTo && type === 'm.room.member' && stateKey === userId,
    );
    const at = own.findLastIndex(({ content }) => content.membership === 'join');
    return at === -1 ? undefined : own[at + 1];
  }

  /** Returns whether a user ignores the sender of an event. */
  ignores(userId: string, { sender }: TrueEvent): boolean {
    return this.#ignored.get(userId) === sender;
  }

  /** Returns whether an event is an invite from a user whom the target ignores. */
  isIgnoredInvite(userId: string, event: TrueEvent): boolean {
    const { type, stateKey, content } = event;
    const isInvite = type === 'm.room.member' && stateKey === userId && content.membership === 'invite';
    return isInvite && this.ignores(userId, event);
  }

  /** Returns whether a user has an invite from a user whom they do not ignore. */
  isInvited(userId: string): boolean {
    const event = this.state().get(stateKeyOf('m.room.member', userId));
    return event?.content.membership === 'invite' && !this.ignores(userId, event);
  }

  /**
   * Returns whether a user was invited by a user whom they do not ignore, and the invite was neither answered nor
   * withdrawn.
   */
  hasInvite(userId: string): boolean {
    const own = this.events.filter(({ type, stateKey }) => type === 'm.room.member' && stateKey === userId);
    const since = own.slice(own.findLastIndex(({ content }) => content.membership !== 'invite') + 1);
    return since.some((event) => !this.ignores(userId, event));
  }

  /** Returns the events up to a position that a user may see, in order, without those of ignored users. */
  visible(userId: string, upTo?: number): TrueEvent[] {
    return this.readable(userId, upTo).filter((event) => event.stateKey !== undefined || !this.ignores(userId, event));
  }

  /** Returns the events up to a position that a user may see, including those of ignored users. */
  readable(userId: string, upTo = Number.POSITIVE_INFINITY): TrueEvent[] {
    const events = this.events.filter(({ num }) => num <= upTo);
    const isOwn = (event: TrueEvent) => event.type === 'm.room.member' && event.stateKey === userId;
    const lastJoin = events.findLastIndex((event) => isOwn(event) && event.content.membership === 'join');
    let visibility = 'shared';
    let membership = 'none';
    return events.filter((event, i) => {
      const before = { visibility, membership };
      if (event.type === 'm.room.history_visibility' && event.stateKey === '')
        visibility = asString(event.content.history_visibility) ?? 'shared';
      if (isOwn(event)) membership = asString(event.content.membership) ?? 'leave';
      const memberships = [before.membership, membership];
      const isReadable = (setting: string) =>
        setting === 'world_readable' ||
        memberships.includes('join') ||
        (setting === 'shared' && i < lastJoin) ||
        (setting === 'invited' && memberships.includes('invite'));
      return isOwn(event) || isReadable(before.visibility) || isReadable(visibility);
    });
  }
}

export function stateKeyOf(type: string, stateKey: string): string {
  return `${type}|${stateKey}`;
}

function toEvent(row: Row): TrueEvent {
  return {
    num: row.num,
    id: eventIdOfStored(row.id, row.version),
    type: row.type,
    sender: row.sender,
    stateKey: row.state_key ?? undefined,
    content: JSON.parse(row.content) as JsonObject,
    ts: row.ts,
    isRedacted: row.redacted_by !== null,
  };
}
