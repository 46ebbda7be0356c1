import type { StoredEvent } from './stored-event.ts';

/** The relations that are shown with their parent (client-server API, "Aggregations of child events"). */
export const AGGREGATED = ['m.replace', 'm.reference', 'm.thread'] as const;
export type Aggregated = (typeof AGGREGATED)[number];

/** Returns whether relations of a type are aggregated with their parent. */
export function isAggregated(relType: string): relType is Aggregated {
  return AGGREGATED.some((type) => type === relType);
}

/** The fields of an edit that decide which of two edits is later. */
type Edit = Pick<StoredEvent, 'num' | 'ts' | 'eventId'>;
type Reference = Pick<StoredEvent, 'num' | 'senderNum' | 'eventId'>;

/** The replies of one sender in a thread. */
export interface Replies {
  /** The number of replies that are not redacted. */
  count: number;
  /** The latest of these replies. */
  latest: number | null;
  /** The latest reply that was counted, or was already redacted. */
  seen: number;
  /** The latest redaction that was processed. */
  redacted: number;
}

/** A thread as one reader sees it, without the replies of ignored users. */
export interface ThreadSummary {
  readonly latest: number;
  readonly count: number;
  readonly participated: boolean;
}

/**
 * The aggregation of all events that relate to one event. Its size depends on the number of senders in a thread, not on
 * the number of replies.
 */
export class Aggregations {
  #edit: Edit | undefined;
  readonly #references: Reference[] = [];
  readonly #replies = new Map<number, Replies>();

  /** The valid edit with the latest `origin_server_ts` ("Validity of replacement events"). */
  get edit(): number | undefined {
    return this.#edit?.num;
  }

  /** Returns the ids of references from senders whom a reader does not ignore, in stream order. */
  references(ignored: ReadonlySet<number>): string[] {
    return this.#references.filter(({ senderNum }) => !ignored.has(senderNum)).map(({ eventId }) => eventId);
  }

  /** Returns the thread as a reader sees it; `undefined` if no reply is left. */
  thread(user: number, ignored: ReadonlySet<number>): ThreadSummary | undefined {
    let [count, last] = [0, 0];
    for (const [sender, replies] of this.#replies) {
      if (ignored.has(sender)) continue;
      count += replies.count;
      last = Math.max(last, replies.latest ?? 0);
    }
    const own = this.#replies.get(user)?.count ?? 0;
    return count === 0 ? undefined : { latest: last, count, participated: own > 0 };
  }

  /** Adds a valid edit. */
  addEdit(edit: Edit): void {
    if (this.#edit === undefined || isLater(edit, this.#edit)) this.#edit = edit;
  }

  /** Adds a reference. Callers add them in stream order; a repeated reference has no effect. */
  addReference(reference: Reference): void {
    if (reference.num > (this.#references.at(-1)?.num ?? 0)) this.#references.push(reference);
  }

  /** Adds a reply. Callers add them in stream order; a repeated reply has no effect. */
  addReply({ num, senderNum }: Pick<StoredEvent, 'num' | 'senderNum'>): void {
    const before = this.#replies.get(senderNum);
    if (before !== undefined && num <= before.seen) return;
    const { count = 0, redacted = 0 } = before ?? {};
    this.#replies.set(senderNum, { count: count + 1, latest: num, seen: num, redacted });
  }

  /**
   * Removes a redacted child. Callers pass redactions in stream order and may repeat them.
   * @returns false if the aggregation must be computed again
   */
  remove(child: StoredEvent, relType: Aggregated): boolean {
    if (relType === 'm.replace') return this.#edit?.num !== child.num;
    if (relType === 'm.thread') return withoutReply(child, this.#replies.get(child.senderNum));
    const at = this.#references.findIndex(({ num }) => num === child.num);
    if (at >= 0) this.#references.splice(at, 1);
    return true;
  }

  setReplies(sender: number, replies: Replies): void {
    this.#replies.set(sender, replies);
  }
}

/** Removes one reply. Returns undefined if it was the latest reply, because the new latest reply is not known. */
function withoutReply({ num, redactedBy }: StoredEvent, replies: Replies | undefined): boolean {
  if (replies === undefined || redactedBy === null || replies.latest === num) return false;
  if (redactedBy > replies.redacted) {
    replies.count -= 1;
    replies.redacted = redactedBy;
  }
  return true;
}

/** Returns whether an edit is later than another one. */
export function isLater(edit: Edit, than: Edit): boolean {
  return edit.ts > than.ts || (edit.ts === than.ts && edit.eventId > than.eventId);
}

/** Returns whether an event is a valid edit of another (client-server API, "Validity of replacement events"). */
export function isValidEdit(edit: StoredEvent, parent: StoredEvent): boolean {
  const { senderNum, typeNum, isState, content, redactedBy } = edit;
  if (senderNum !== parent.senderNum || typeNum !== parent.typeNum || isState || parent.isState) return false;
  return redactedBy === null && (content['m.new_content'] !== undefined || edit.type === 'm.room.encrypted');
}
