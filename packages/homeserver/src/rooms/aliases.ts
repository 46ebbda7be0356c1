import { parseRoomAlias } from '@hearth/protocol/identifiers/room-alias.ts';
import type { Write } from '../storage/engine/database.ts';
import type { AliasRow, AliasStore } from '../storage/rooms/alias-store.ts';

/** The room aliases of this server. */
export class Aliases {
  readonly #store: AliasStore;
  readonly #serverName: string;

  constructor(store: AliasStore, serverName: string) {
    this.#store = store;
    this.#serverName = serverName;
  }

  /** Whether this could be an alias of this server. */
  isValid(alias: string): boolean {
    return parseRoomAlias(alias) !== undefined && alias.endsWith(`:${this.#serverName}`) && !/\s/.test(alias);
  }

  find(alias: string): Promise<AliasRow | undefined> {
    return this.#store.find(alias);
  }

  ofRoom(room: number): Promise<AliasRow[]> {
    return this.#store.ofRoom(room);
  }

  /** Adds an alias: a guard, which fails when the alias is taken. */
  insert(alias: string, room: number, creator: number): Write {
    return this.#store.insert(alias, room, creator);
  }

  /** Moves all aliases of a room to another. */
  move(from: number, to: number): Write {
    return this.#store.move(from, to);
  }

  /** Removes an alias: a guard, which fails when there is none. */
  remove(alias: string): Write {
    return this.#store.remove(alias);
  }
}
