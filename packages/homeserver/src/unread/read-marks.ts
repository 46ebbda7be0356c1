import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { ReceiptRow } from '../storage/rooms/receipts.ts';

/** The positions up to which a user has read a room. */
export interface ReadMarks {
  /** The position up to which everything is read, in all threads. */
  readonly everywhere: number;
  of(thread: string | undefined): number;
}

/** Returns the read marks of receipts. Receipts without a thread count everywhere, others only in their thread. */
export function readMarks(own: readonly ReceiptRow[]): ReadMarks {
  const marks = new Map<string, number>();
  for (const { thread, seq } of own) marks.set(thread, Math.max(marks.get(thread) ?? 0, seq));
  const everywhere = marks.get('') ?? 0;
  return { everywhere, of: (thread) => Math.max(everywhere, marks.get(thread ?? 'main') ?? 0) };
}

/** Returns whether an event is after the user's read mark and may notify the user. */
export function isUnread(event: StoredEvent, user: number, ignored: ReadonlySet<number>, read: number): boolean {
  if (event.senderNum === user || event.redactedBy !== null || (event.seq ?? 0) <= read) return false;
  return event.isState || !ignored.has(event.senderNum);
}

/**
 * Returns whether an event marks its thread as read for its sender (client-server API, "Marking notifications as read":
 * "by sending an event"). Member events do not, because a new display name sends one to every room.
 */
export function marksAsRead({ senderNum, type, redactedBy }: StoredEvent, user: number): boolean {
  return senderNum === user && type !== 'm.room.member' && redactedBy === null;
}
