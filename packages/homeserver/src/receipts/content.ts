import { PRIVATE_RECEIPT, PUBLIC_RECEIPT, type ReceiptRow } from '../storage/rooms/receipts.ts';

const TYPES: ReadonlyMap<number, string> = new Map([
  [PUBLIC_RECEIPT, 'm.read'],
  [PRIVATE_RECEIPT, 'm.read.private'],
]);

/** Returns whether a user may see the receipt. Only the owner may see a private one. */
export function isVisible(receipt: ReceiptRow, user: number): boolean {
  return receipt.type !== PRIVATE_RECEIPT || receipt.user_num === user;
}

/**
 * Returns the JSON text of the content of an `m.receipt` event; undefined without receipts. If a user has several
 * receipts on an event that differ in their thread ("Threaded read receipts"), the content can have only one. It has
 * the one without a thread, which covers more, otherwise the latest.
 */
export function receiptContent(receipts: Iterable<ReceiptRow>): string | undefined {
  const events = new Map<string, Map<number, Map<string, ReceiptRow>>>();
  for (const receipt of receipts) {
    const types = events.get(receipt.event_id) ?? new Map<number, Map<string, ReceiptRow>>();
    const users = types.get(receipt.type) ?? new Map<string, ReceiptRow>();
    events.set(receipt.event_id, types.set(receipt.type, users));
    if (users.get(receipt.user_id)?.thread !== '') users.set(receipt.user_id, receipt);
  }
  if (events.size === 0) return undefined;
  return object(events, (types) => object(new Map([...types].map(named)), (users) => object(users, detail)));
}

function named<T>([type, value]: [number, T]): [string, T] {
  return [TYPES.get(type) ?? 'm.read', value];
}

function object<T>(members: ReadonlyMap<string, T>, text: (value: T) => string): string {
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${text(value)}`).join(',')}}`;
}

function detail({ ts, thread }: ReceiptRow): string {
  return thread === '' ? `{"ts":${ts}}` : `{"ts":${ts},"thread_id":${JSON.stringify(thread)}}`;
}
