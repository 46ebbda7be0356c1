import { type Database, guard, sql, type Write, write } from '../engine/database.ts';

const insert = sql('INSERT INTO aliases (alias, room, creator) VALUES (?, ?, ?) ON CONFLICT (alias) DO NOTHING');
const move = sql('UPDATE aliases SET room = ? WHERE room = ?');
const remove = sql('DELETE FROM aliases WHERE alias = ?');
const read = sql('SELECT alias, room, creator FROM aliases WHERE alias = ?');
const readOfRoom = sql('SELECT alias, room, creator FROM aliases WHERE room = ? ORDER BY alias');

/** An alias of this server; room and creator are numbers of `names.ts`. */
export interface AliasRow {
  readonly alias: string;
  readonly room: number;
  readonly creator: number;
}

/** Room aliases as rows. */
export class AliasStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  find(alias: string): Promise<AliasRow | undefined> {
    return this.#database.first<AliasRow>(read, alias);
  }

  ofRoom(room: number): Promise<AliasRow[]> {
    return this.#database.all<AliasRow>(readOfRoom, room);
  }

  /** Adds an alias: a guard, which fails when the alias is taken. */
  insert(alias: string, room: number, creator: number): Write {
    return guard(insert, alias, room, creator);
  }

  /** Moves all aliases of a room to another. */
  move(from: number, to: number): Write {
    return write(move, to, from);
  }

  /** Removes an alias: a guard, which fails when there is none. */
  remove(alias: string): Write {
    return guard(remove, alias);
  }
}
