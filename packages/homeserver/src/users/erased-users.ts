import { readErasedUsers } from '../storage/accounts/accounts.ts';
import type { Database } from '../storage/engine/database.ts';

/**
 * The users who asked for their content to be erased when they deactivated their account (client-server API, "Account
 * deactivation"). They are few, so that all of them are in memory.
 */
export class ErasedUsers {
  readonly #positions: Map<number, number>;

  private constructor(positions: Map<number, number>) {
    this.#positions = positions;
  }

  static async open(database: Database): Promise<ErasedUsers> {
    return new ErasedUsers(await readErasedUsers(database));
  }

  get isEmpty(): boolean {
    return this.#positions.size === 0;
  }

  has(user: number): boolean {
    return this.#positions.has(user);
  }

  /** Returns the position in the stream at which a user was erased. */
  positionOf(user: number): number | undefined {
    return this.#positions.get(user);
  }

  /** Adds a user whose erasure has been committed. */
  add(user: number, position: number): void {
    this.#positions.set(user, position);
  }
}
