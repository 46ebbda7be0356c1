import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { type Database, sql, type Write, write } from '../engine/database.ts';

/** Memberships as stored. Their order is part of the format on disk. */
export const MEMBERSHIPS = ['none', 'join', 'invite', 'knock', 'leave', 'ban'] as const;
export type Membership = (typeof MEMBERSHIPS)[number];

/** The membership of a user in a room, according to the current member event. */
export interface MembershipRow {
  readonly user: number;
  readonly room: number;
  readonly membership: Membership;
  /** The number of the member event, or of the event that has led to its removal from the state of the room. */
  readonly event: number;
  /**
   * The position in the stream at which the member event became the current one: its own number, or a later one if the
   * resolution of states has brought it back, or if it was not known before.
   */
  readonly position: number;
  /** Whether the user has forgotten the room. */
  readonly forgotten: boolean;
}

interface Row {
  user_num: number;
  room: number;
  membership: number;
  event: number;
  position: number;
  forgotten: number;
}

/** A user of a server, and the latest change of the user's membership of a room. */
export type MemberOfServer = Pick<MembershipRow, 'user' | 'membership' | 'position'>;

const put = sql(
  `INSERT INTO memberships (user_num, room, membership, event, position, forgotten) VALUES (?, ?, ?, ?, ?, 0)
   ON CONFLICT (user_num, room) DO UPDATE
   SET membership = excluded.membership, event = excluded.event, forgotten = 0,
     position = CASE WHEN memberships.event = excluded.event THEN memberships.position ELSE excluded.position END`,
);
const forget = sql('UPDATE memberships SET forgotten = 1 WHERE user_num = ? AND room = ?');
const readOfUser = sql(
  'SELECT user_num, room, membership, event, position, forgotten FROM memberships WHERE user_num = ?',
);
const readJoined = sql('SELECT room, user_num FROM memberships WHERE room IN @list AND membership = 1');
const readFirst = sql(
  `SELECT room, user_num FROM (
     SELECT room, user_num, row_number() OVER (PARTITION BY room ORDER BY position, event) AS place
     FROM memberships WHERE room IN @list AND membership IN @list
   ) AS present WHERE place <= ? ORDER BY place`,
);
const readHeroes = sql(
  'SELECT user_num FROM memberships WHERE room = ? AND membership IN @list AND user_num <> ? ORDER BY position, event LIMIT ?',
);
const readMoved = sql(
  `SELECT user_num, room, membership, event, position, forgotten FROM memberships
   WHERE room IN @list AND position > ?`,
);
const readOfServer = sql(
  `SELECT m.user_num, n.text AS user_id, m.membership, m.position FROM memberships m JOIN names n ON n.num = m.user_num
   WHERE m.room = ? AND n.text LIKE ?`,
);
const readSharing = sql(
  'SELECT DISTINCT user_num FROM memberships WHERE user_num IN @list AND room IN @list AND membership = 1',
);

const PRESENT = [MEMBERSHIPS.indexOf('join'), MEMBERSHIPS.indexOf('invite')];

/** The memberships of users in rooms, according to the current state of the rooms. */
export class MembershipStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores a membership. The position stays if the member event is the current one already. */
  put({ user, room, membership, event, position }: Omit<MembershipRow, 'forgotten'>): Write {
    return write(put, user, room, MEMBERSHIPS.indexOf(membership), event, position);
  }

  forget(user: number, room: number): Write {
    return write(forget, user, room);
  }

  /** Returns the memberships of a user in all rooms. */
  async ofUser(user: number): Promise<MembershipRow[]> {
    return (await this.#database.all<Row>(readOfUser, user)).map(toRow);
  }

  /** Returns the joined users of each of some rooms. */
  async joined(rooms: readonly number[]): Promise<ReadonlyMap<number, readonly number[]>> {
    return usersOf(rooms, await this.#database.all<UserInRoom>(readJoined, rooms));
  }

  /** Returns the rows of some rooms that have changed after a position. */
  async moved(rooms: readonly number[], after: number): Promise<MembershipRow[]> {
    return (await this.#database.all<Row>(readMoved, rooms, after)).map(toRow);
  }

  /** Returns the users of a server who are or were in a room or were invited to it, whatever the state of the room has of them. */
  async ofServer(room: number, server: string): Promise<MemberOfServer[]> {
    const rows = await this.#database.all<OfServerRow>(readOfServer, room, `%:${server}`);
    // The pattern also finds servers whose names end with this one.
    const own = rows.filter(({ user_id }) => domainOf(user_id) === server);
    return own.map((row) => ({ user: row.user_num, membership: membershipOfRow(row), position: row.position }));
  }

  /** Returns those of some users who have joined any of some rooms. */
  async joinedAny(users: readonly number[], rooms: readonly number[]): Promise<number[]> {
    return (await this.#database.all<{ user_num: number }>(readSharing, users, rooms)).map((row) => row.user_num);
  }

  /** Returns the users who joined or were invited first in each of some rooms, for the name of the room. */
  async present(rooms: readonly number[], limit: number): Promise<ReadonlyMap<number, readonly number[]>> {
    return usersOf(rooms, await this.#database.all<UserInRoom>(readFirst, rooms, PRESENT, limit));
  }

  /** Returns the users who have left a room, except one, for the name of a room without other members. */
  gone(room: number, except: number, limit: number): Promise<number[]> {
    return this.#first(room, ['leave', 'ban'], except, limit);
  }

  async #first(room: number, memberships: readonly Membership[], except: number, limit: number): Promise<number[]> {
    const codes = memberships.map((membership) => MEMBERSHIPS.indexOf(membership));
    const rows = await this.#database.all<{ user_num: number }>(readHeroes, room, codes, except, limit);
    return rows.map((row) => row.user_num);
  }
}

function toRow(row: Row): MembershipRow {
  const { user_num: user, room, event, position, forgotten } = row;
  return { user, room, membership: membershipOfRow(row), event, position, forgotten: forgotten !== 0 };
}

function membershipOfRow({ membership }: Pick<Row, 'membership'>): Membership {
  return MEMBERSHIPS[membership] ?? 'none';
}

type UserInRoom = Pick<Row, 'room' | 'user_num'>;
type OfServerRow = Omit<Row, 'room' | 'event' | 'forgotten'> & { readonly user_id: string };

/** Returns the users of each of some rooms, in the order of the rows. */
function usersOf(rooms: readonly number[], rows: readonly UserInRoom[]): Map<number, number[]> {
  const users = new Map<number, number[]>(rooms.map((room) => [room, []]));
  for (const { room, user_num } of rows) users.get(room)?.push(user_num);
  return users;
}
