import type { Database } from '../../storage/engine/database.ts';
import {
  deleteRemotePeek,
  putRemotePeek,
  type RemotePeek,
  readRemotePeeks,
} from '../../storage/federation/remote-peeks.ts';

/** A peek whose events a server sends. */
export type ActivePeek = RemotePeek & { readonly server: string };

/**
 * The rooms on other servers that this server knows by peeking alone (MSC2444): no user of this server has joined. All are
 * both in memory and on disk.
 */
export class RemotePeeks {
  readonly #database: Database;
  readonly #rooms = new Map<number, RemotePeek>();
  #activeCount = 0;

  private constructor(database: Database, peeks: readonly RemotePeek[]) {
    this.#database = database;
    for (const peek of peeks) this.#set(peek.room, peek);
  }

  static async open(database: Database): Promise<RemotePeeks> {
    return new RemotePeeks(database, await readRemotePeeks(database));
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  /** Returns whether this server knows a room by peeking alone, also if the peek has ended. */
  has(room: number): boolean {
    return this.#rooms.has(room);
  }

  /** Returns the peek of a room that has not ended. */
  of(room: number): ActivePeek | undefined {
    const peek = this.#rooms.get(room);
    return peek !== undefined && isActive(peek) ? peek : undefined;
  }

  /** Returns the peeks that have not ended. */
  active(): ActivePeek[] {
    return [...this.#rooms.values()].filter(isActive);
  }

  /** Stores a peek, in place of an earlier one of the same room. */
  async put(peek: RemotePeek): Promise<void> {
    await this.#database.commit([putRemotePeek(peek)]);
    this.#set(peek.room, peek);
  }

  /** Ends a peek. This server still knows the room by peeking alone. */
  async end(room: number): Promise<void> {
    const peek = this.#rooms.get(room);
    if (peek !== undefined) await this.put({ ...peek, server: null });
  }

  /** Forgets that this server knows a room by peeking, because a user of this server has joined. */
  async remove(room: number): Promise<void> {
    if (!this.#rooms.has(room)) return;
    await this.#database.commit([deleteRemotePeek(room)]);
    this.#set(room, undefined);
  }

  #set(room: number, peek: RemotePeek | undefined): void {
    if (this.of(room) !== undefined) this.#activeCount -= 1;
    if (peek === undefined) this.#rooms.delete(room);
    else this.#rooms.set(room, peek);
    if (this.of(room) !== undefined) this.#activeCount += 1;
  }
}

function isActive(peek: RemotePeek): peek is ActivePeek {
  return peek.server !== null;
}
