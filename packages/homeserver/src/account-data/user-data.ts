import { textBytes } from '../platform/caches/cache-size.ts';
import type { AccountDataRow } from '../storage/accounts/account-data.ts';

/** The `room` of account data that belongs to no room. */
export const GLOBAL = 0;

const NOTHING: ReadonlyMap<string, AccountDataRow> = new Map();

/** The cached account data of one user. */
export class UserData {
  readonly #rooms = new Map<number, Map<string, AccountDataRow>>();
  #size = 0;
  #bytes = 0;
  /** The number and size of data that are being written. */
  #reserved = { pieces: 0, bytes: 0 };
  #last = 0;

  constructor(rows: Iterable<AccountDataRow>) {
    for (const row of rows) this.put(row);
  }

  /** The number of entries. */
  get size(): number {
    return this.#size;
  }

  /** An estimate of the memory of all entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Reserves space for data that are about to be written, so that concurrent requests cannot exceed the limits of a
   * user together. Returns a function that ends the reservation; undefined when the limit is reached.
   */
  reserve(
    piece: Omit<AccountDataRow, 'position'>,
    max: { readonly pieces: number; readonly bytes: number },
  ): (() => void) | undefined {
    const replaced = this.get(piece.room, piece.type);
    const pieces = replaced === undefined ? 1 : 0;
    const bytes = Math.max(0, pieceBytes(piece) - (replaced === undefined ? 0 : pieceBytes(replaced)));
    const reserved = this.#reserved;
    if (pieces > 0 && this.#size + reserved.pieces + pieces > max.pieces) return undefined;
    if (bytes > 0 && this.#bytes + reserved.bytes + bytes > max.bytes) return undefined;
    reserved.pieces += pieces;
    reserved.bytes += bytes;
    return () => {
      reserved.pieces -= pieces;
      reserved.bytes -= bytes;
    };
  }

  /** The position of the latest change. */
  get last(): number {
    return this.#last;
  }

  /** Stores a row, unless a later one is stored. */
  put(row: AccountDataRow): void {
    const types = this.#rooms.get(row.room) ?? new Map<string, AccountDataRow>();
    this.#rooms.set(row.room, types);
    const known = types.get(row.type);
    if (known !== undefined && known.position > row.position) return;
    if (known === undefined) this.#size += 1;
    this.#bytes += pieceBytes(row) - (known === undefined ? 0 : pieceBytes(known));
    types.set(row.type, row);
    this.#last = Math.max(this.#last, row.position);
  }

  get(room: number, type: string): AccountDataRow | undefined {
    return this.#rooms.get(room)?.get(type);
  }

  /** Returns the entries that belong to no room. */
  global(): Iterable<AccountDataRow> {
    return this.inRoom(GLOBAL);
  }

  /** Returns the entries that belong to a room. */
  inRoom(room: number): Iterable<AccountDataRow> {
    return (this.#rooms.get(room) ?? NOTHING).values();
  }

  /** Returns the entries that changed after a position, the oldest first. */
  since(position: number): AccountDataRow[] {
    if (position >= this.#last) return [];
    const changed: AccountDataRow[] = [];
    for (const types of this.#rooms.values()) {
      for (const row of types.values()) if (row.position > position) changed.push(row);
    }
    return changed.sort((a, b) => a.position - b.position);
  }
}

function pieceBytes({ type, content }: Omit<AccountDataRow, 'position'>): number {
  return 200 + textBytes(type) + textBytes(content);
}
