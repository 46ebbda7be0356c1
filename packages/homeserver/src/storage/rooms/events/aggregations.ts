import type { StoredEvent } from './stored-event.ts';

/** The relations that are shown with their parent (client-server API, "Aggregations of child events"). */
export const AGGREGATED = ['m.replace', 'm.reference', 'm.thread'] as const;
export type Aggregated = (typeof AGGREGATED)[number];

/** Whether events that relate in this way are shown with their parent. */
export function isAggregated(relType: string): relType is Aggregated {
  return AGGREGATED.some((type) => type === relType);
}

/** Enough of an edit to tell which of two counts. */
type Edit = Pick<StoredEvent, 'num' | 'ts' | 'eventId'>;
type Reference = Pick<StoredEvent, 'num' | 'senderNum' | 'eventId'>;

/** The replies of one sender in a thread. */
export interface Replies {
  /** How many that are not redacted. */
  count: number;
  /** The last of them. */
  latest: number | null;
  /** The last reply that has been counted or was redacted already. */
  seen: number;
  /** The last redaction that is taken into account. */
  redacted: number;
}

/** A thread as one reader sees it. */
export interface ThreadSummary {
  readonly latest: number;
  readonly count: number;
  readonly participated: boolean;
}

/** The aggregation of all events that relate to one. Its size grows with the senders in a thread, not with their replies. */
export class Aggregations {
  #edit: Edit | undefined;
  readonly #references: Reference[] = [];
  readonly #replies = new Map<number, Replies>();

  /** The edit that counts: the latest by `origin_server_ts` ("Validity of replacement events"). */
  get edit(): number | undefined {
    return this.#edit?.num;
  }

  /** The ids of references from senders whom a reader does not ignore, in stream order. */
  references(ignored: ReadonlySet<number>): string[] {
    return this.#references.filter(({ senderNum }) => !ignored.has(senderNum)).map(({ eventId }) => eventId);
  }

  /** The thread as a reader sees it; `undefined` if there is none left. */
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

  /** Takes a valid edit into account. */
  addEdit(edit: Edit): void {
    if (this.#edit === undefined || isLater(edit, this.#edit)) this.#edit = edit;
  }

  /** References come in stream order; one that is there already changes nothing. */
  addReference(reference: Reference): void {
    if (reference.num > (this.#references.at(-1)?.num ?? 0)) this.#references.push(reference);
  }

  /** Replies come in stream order; one that has been counted already changes nothing. */
  addReply({ num, senderNum }: Pick<StoredEvent, 'num' | 'senderNum'>): void {
    const before = this.#replies.get(senderNum);
    if (before !== undefined && num <= before.seen) return;
    const { count = 0, redacted = 0 } = before ?? {};
    this.#replies.set(senderNum, { count: count + 1, latest: num, seen: num, redacted });
  }

  /**
   * Takes a child out that an event has redacted. Redactions come in stream order, and may have been taken into account
   * already. @returns whether this can be said without reading it all again
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

/** Takes one reply out; not if it was the latest: another one is then. */
function withoutReply({ num, redactedBy }: StoredEvent, replies: Replies | undefined): boolean {
  if (replies === undefined || redactedBy === null || replies.latest === num) return false;
  if (redactedBy > replies.redacted) {
    replies.count -= 1;
    replies.redacted = redactedBy;
  }
  return true;
}

/** Whether an edit comes after another one. */
export function isLater(edit: Edit, than: Edit): boolean {
  return edit.ts > than.ts || (edit.ts === than.ts && edit.eventId > than.eventId);
}

/** Whether an event may stand in for another (client-server API, "Validity of replacement events"). */
export function isValidEdit(edit: StoredEvent, parent: StoredEvent): boolean {
  const { senderNum, typeNum, isState, content, redactedBy } = edit;
  if (senderNum !== parent.senderNum || typeNum !== parent.typeNum || isState || parent.isState) return false;
  return redactedBy === null && (content['m.new_content'] !== undefined || edit.type === 'm.room.encrypted');
}
