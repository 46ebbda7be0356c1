import { textBytes } from '../platform/caches/cache-size.ts';
import { type AccountDataRow, DELETED } from '../storage/accounts/account-data.ts';

/** The `room` of account data that belongs to no room. */
export const GLOBAL = 0;

const NOTHING: ReadonlyMap<string, AccountDataRow> = new Map();

/**
 * The cached account data of one user. Deleted entries remain and count towards the limits of a user, but only functions
 * that return changes return them.
 */
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

  /** The number of entries, including deleted ones. */
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
    const replaced = this.latest(piece.room, piece.type);
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

  /** Returns an entry, unless it is deleted. */
  get(room: number, type: string): AccountDataRow | undefined {
    const row = this.latest(room, type);
    return row === undefined || isDeleted(row) ? undefined : row;
  }

  /** Returns the latest change of an entry, which may be its deletion. */
  latest(room: number, type: string): AccountDataRow | undefined {
    return this.#rooms.get(room)?.get(type);
  }

  /** Returns the entries that belong to no room. */
  global(): Iterable<AccountDataRow> {
    return this.inRoom(GLOBAL);
  }

  /** Returns the entries that belong to a room. */
  inRoom(room: number): Iterable<AccountDataRow> {
    return this.#latestIn(room).filter((row) => !isDeleted(row));
  }

  /** Returns the entries of a room that changed after a position, including deleted ones. */
  inRoomSince(room: number, position: number): Iterable<AccountDataRow> {
    return this.#latestIn(room).filter((row) => row.position > position);
  }

  /** Returns the entries that changed after a position, including deleted ones, the oldest first. */
  since(position: number): AccountDataRow[] {
    if (position >= this.#last) return [];
    const changed: AccountDataRow[] = [];
    for (const types of this.#rooms.values()) {
      for (const row of types.values()) if (row.position > position) changed.push(row);
    }
    return changed.sort((a, b) => a.position - b.position);
  }

  #latestIn(room: number): IteratorObject<AccountDataRow> {
    return (this.#rooms.get(room) ?? NOTHING).values();
  }
}

/** Returns whether an entry has no content, which deletes it (MSC3391). */
export function isDeleted({ content }: AccountDataRow): boolean {
  return content === DELETED;
}

function pieceBytes({ type, content }: Omit<AccountDataRow, 'position'>): number {
  return 200 + textBytes(type) + textBytes(content);
}
