import type { AccountDataRow } from '../storage/account-data.ts';

/** The `room` of account data that belongs to no room. */
export const GLOBAL = 0;

const NOTHING: ReadonlyMap<string, AccountDataRow> = new Map();

/** All account data of one user, in memory. */
export class UserData {
  readonly #rooms = new Map<number, Map<string, AccountDataRow>>();
  #size = 0;
  #last = 0;

  constructor(rows: Iterable<AccountDataRow>) {
    for (const row of rows) this.put(row);
  }

  /** How many pieces there are. */
  get size(): number {
    return this.#size;
  }

  /** The position of the latest change: nothing has changed for who has read further. */
  get last(): number {
    return this.#last;
  }

  /** Takes over a row, unless there is a later one. */
  put(row: AccountDataRow): void {
    const types = this.#rooms.get(row.room) ?? new Map<string, AccountDataRow>();
    this.#rooms.set(row.room, types);
    const known = types.get(row.type);
    if (known !== undefined && known.position > row.position) return;
    if (known === undefined) this.#size += 1;
    types.set(row.type, row);
    this.#last = Math.max(this.#last, row.position);
  }

  get(room: number, type: string): AccountDataRow | undefined {
    return this.#rooms.get(room)?.get(type);
  }

  /** What belongs to no room. */
  global(): Iterable<AccountDataRow> {
    return this.inRoom(GLOBAL);
  }

  /** What belongs to a room. */
  inRoom(room: number): Iterable<AccountDataRow> {
    return (this.#rooms.get(room) ?? NOTHING).values();
  }

  /** What has changed after a position, oldest first. */
  since(position: number): AccountDataRow[] {
    if (position >= this.#last) return [];
    const changed: AccountDataRow[] = [];
    for (const types of this.#rooms.values()) {
      for (const row of types.values()) if (row.position > position) changed.push(row);
    }
    return changed.sort((a, b) => a.position - b.position);
  }
}
