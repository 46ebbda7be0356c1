import { type Database, guard, sql, type Write, write } from '../engine/database.ts';
import { VarintReader, VarintWriter } from '../engine/varint.ts';
import { hashBytes, type NodeRef } from '../state/state-node.ts';
import type { StateStore } from '../state/state-store.ts';

/** The stored part of a room's head: the values that decide the next event. */
export interface RoomRow {
  readonly num: number;
  readonly version: string;
  /** The version of the row, which increases with each write. A writer that expects another version is rejected. */
  readonly fence: number;
  /** The sequence number of the latest event in the timeline. */
  readonly seq: number;
  /** The number of the latest event. */
  readonly lastEvent: number;
  readonly depth: number;
  /** The number of the snapshot of the current state. `root` is the root of its tree. */
  readonly snapshot: number;
  readonly root: NodeRef;
  /** The forward extremities. */
  readonly extremities: readonly number[];
  /** The number of joined users. `invited` is the number of invited users. */
  readonly joined: number;
  readonly invited: number;
  /** Whether the room is in the server's room directory. */
  readonly published: boolean;
}

interface Row {
  num: number;
  version: string;
  fence: number;
  seq: number;
  last_event: number;
  depth: number;
  snapshot: number;
  root: Uint8Array;
  extremities: Uint8Array;
  joined: number;
  invited: number;
  published: number;
}

const read = sql('SELECT * FROM rooms WHERE num IN @list');
const insert = sql(
  'INSERT INTO rooms (num, version, fence, seq, last_event, depth, snapshot, root, extremities, joined, invited, published) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (num) DO NOTHING',
);
const advance = sql(
  'UPDATE rooms SET fence = fence + 1, seq = ?, last_event = ?, depth = ?, snapshot = ?, root = ?, extremities = ?, joined = ?, invited = ? WHERE num = ? AND fence = ?',
);
const publish = sql('UPDATE rooms SET published = ? WHERE num = ?');
const readPublished = sql('SELECT num FROM rooms WHERE published = 1');
const readUnread = sql(
  `SELECT num FROM rooms r WHERE num IN @list AND seq >
     COALESCE((SELECT max(c.seq) FROM receipts c WHERE c.room = r.num AND c.user_num = ? AND c.thread = ''), 0)
   ORDER BY last_event DESC LIMIT ?`,
);
const readLastEvents = sql('SELECT num, last_event FROM rooms WHERE num IN @list AND last_event > ?');

/** Reads and writes the rows of rooms. */
export class RoomStore {
  readonly #database: Database;
  readonly #states: StateStore;

  constructor(database: Database, states: StateStore) {
    this.#database = database;
    this.#states = states;
  }

  async load(rooms: readonly number[]): Promise<RoomRow[]> {
    return (await this.#database.all<Row>(read, rooms)).map((row) => ({
      num: row.num,
      version: row.version,
      fence: row.fence,
      seq: row.seq,
      lastEvent: row.last_event,
      depth: row.depth,
      snapshot: row.snapshot,
      root: this.#states.root(row.root),
      extremities: new VarintReader(row.extremities).list(),
      joined: row.joined,
      invited: row.invited,
      published: row.published !== 0,
    }));
  }

  /**
   * Returns the write that stores a new room. It is a guard: the transaction is rejected if the room exists. It comes
   * first in its transaction.
   */
  insert(room: RoomRow): Write {
    const { num, version, fence, seq, lastEvent, depth, snapshot, root, published } = room;
    const state = [snapshot, hashBytes(root.hash), encodeList(room.extremities), room.joined, room.invited];
    return guard(insert, num, version, fence, seq, lastEvent, depth, ...state, published ? 1 : 0);
  }

  /**
   * Returns the write that updates a room. It is a guard: the transaction is rejected if the version of the row is not
   * `fence`. It comes first in its transaction.
   */
  advance(room: RoomRow, fence: number): Write {
    const state = [room.snapshot, hashBytes(room.root.hash), encodeList(room.extremities), room.joined, room.invited];
    return guard(advance, room.seq, room.lastEvent, room.depth, ...state, room.num, fence);
  }

  publish(room: number, published: boolean): Write {
    return write(publish, published ? 1 : 0, room);
  }

  /** Returns all rooms in the room directory. */
  async published(): Promise<number[]> {
    return (await this.#database.all<{ num: number }>(readPublished)).map(({ num }) => num);
  }

  /** Returns the number of each room's latest event. */
  async lastEvents(rooms: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#database.all<{ num: number; last_event: number }>(readLastEvents, rooms, 0);
    return new Map(rows.map(({ num, last_event }) => [num, last_event]));
  }

  /** Returns the rooms that have events after the user's receipts, the room with the latest event first. */
  async unread(rooms: readonly number[], user: number, limit: number): Promise<number[]> {
    return (await this.#database.all<{ num: number }>(readUnread, rooms, user, limit)).map(({ num }) => num);
  }

  /** Returns the rooms that have events after a position. */
  async changedSince(rooms: readonly number[], position: number): Promise<number[]> {
    return (await this.#database.all<{ num: number }>(readLastEvents, rooms, position)).map(({ num }) => num);
  }
}

function encodeList(nums: readonly number[]): Uint8Array {
  const writer = new VarintWriter();
  writer.list(nums);
  return writer.finish();
}
