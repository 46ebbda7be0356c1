import { textBytes } from '../platform/caches/cache-size.ts';
import type { AccountDataRow } from '../storage/accounts/account-data.ts';

/** The `room` of account data that belongs to no room. */
export const GLOBAL = 0;

const NOTHING: ReadonlyMap<string, AccountDataRow> = new Map();

/** All account data of one user, in memory. */
export class UserData {
  readonly #rooms = new Map<number, Map<string, AccountDataRow>>();
  #size = 0;
  #bytes = 0;
  /** Pieces that are being written. */
  #reserved = { pieces: 0, bytes: 0 };
  #last = 0;

  constructor(rows: Iterable<AccountDataRow>) {
    for (const row of rows) this.put(row);
  }

  /** How many pieces there are. */
  get size(): number {
    return this.#size;
  }

  /** An estimate of the memory of all pieces. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Reserves room for a piece that is about to be written, so that requests at the same time cannot exceed the limits of
   * a user together. Returns what ends the reservation; undefined when there is no room.
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
    this.#bytes += pieceBytes(row) - (known === undefined ? 0 : pieceBytes(known));
    types.set(row.type, row);
    this.#last = Math.max(this.#last, row.position);
  }

  get(room: number, type: string): AccountDataRow | undefined {
    return this.#rooms.get(room)?.get(type);
  }

  /** The data that belongs to no room. */
  global(): Iterable<AccountDataRow> {
    return this.inRoom(GLOBAL);
  }

  /** The data that belongs to a room. */
  inRoom(room: number): Iterable<AccountDataRow> {
    return (this.#rooms.get(room) ?? NOTHING).values();
  }

  /** The data that has changed after a position, oldest first. */
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
