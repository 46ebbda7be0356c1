import type { ReceiptRow } from '../storage/rooms/receipts.ts';

const NONE: ReadonlyMap<string, ReceiptRow> = new Map();

/** The cached receipts of one room. */
export class RoomReceipts {
  readonly #users = new Map<number, Map<string, ReceiptRow>>();
  #size = 0;

  constructor(rows: Iterable<ReceiptRow>) {
    for (const row of rows) this.put(row);
  }

  /** The number of receipts. */
  get size(): number {
    return this.#size;
  }

  /** Stores a receipt, unless a later one is stored. */
  put(row: ReceiptRow): void {
    const own = this.#users.get(row.user_num) ?? new Map<string, ReceiptRow>();
    this.#users.set(row.user_num, own);
    const key = keyOf(row);
    const known = own.get(key);
    if (known === undefined) this.#size += 1;
    if ((known?.position ?? 0) <= row.position) own.set(key, row);
  }

  delete(row: ReceiptRow): void {
    if (this.#users.get(row.user_num)?.delete(keyOf(row)) === true) this.#size -= 1;
  }

  get(user: number, type: number, thread: string): ReceiptRow | undefined {
    return this.#users.get(user)?.get(keyOf({ type, thread }));
  }

  /** Returns the receipts of one user, both public and private. */
  ofUser(user: number): Iterable<ReceiptRow> {
    return (this.#users.get(user) ?? NONE).values();
  }

  /** Iterates over the receipts of all users. */
  *all(): Iterable<ReceiptRow> {
    for (const own of this.#users.values()) yield* own.values();
  }
}

/** Returns a key that distinguishes the receipts of a user in a room. */
export function keyOf({ type, thread }: { readonly type: number; readonly thread: string }): string {
  return `${type}${thread}`;
}
