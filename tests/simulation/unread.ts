import { asString, isObject } from '@hearth/protocol/json/value.ts';
import type { RoomTruth, TrueEvent } from './truth.ts';

export interface Counts {
  readonly notification_count: number;
  readonly highlight_count: number;
}

/** The acknowledged read positions, by user, room and thread. */
export class ReadMarks {
  readonly #marks = new Map<string, number>();

  /** Records a receipt. `thread` is empty for a receipt that counts in all threads. */
  read(userId: string, roomId: string, thread: string, num: number): void {
    const key = `${userId} ${roomId} ${thread}`;
    this.#marks.set(key, Math.max(this.#marks.get(key) ?? 0, num));
  }

  of(userId: string, roomId: string, thread: string): number {
    const mark = (each: string) => this.#marks.get(`${userId} ${roomId} ${each}`) ?? 0;
    return Math.max(mark(''), mark(thread));
  }
}

/** Counts the unread events of a user one by one, by the default push rules. */
export function unreadCounts(room: RoomTruth, userId: string, marks: ReadMarks): Counts {
  const join = room.joinOf(userId)?.num ?? Number.POSITIVE_INFINITY;
  const verdicts = room.events
    .filter(({ num, sender, isRedacted }) => num > join && sender !== userId && !isRedacted)
    .filter((event) => event.stateKey !== undefined || !room.ignores(userId, event))
    .filter((event) => event.num > marks.of(userId, room.roomId, threadOf(event)))
    .filter((event) => event.num > lastOwn(room, userId, threadOf(event)))
    .map((event) => verdictOf(event, userId));
  return {
    notification_count: verdicts.filter((verdict) => verdict !== 'silent').length,
    highlight_count: verdicts.filter((verdict) => verdict === 'highlight').length,
  };
}

/** Returns the last event that a user has sent in a thread, up to which the user has read it. */
function lastOwn(room: RoomTruth, userId: string, thread: string): number {
  const own = room.events.filter(
    (event) => event.sender === userId && event.type !== 'm.room.member' && !event.isRedacted,
  );
  return own.findLast((event) => threadOf(event) === thread)?.num ?? 0;
}

export function threadOf({ content }: TrueEvent): string {
  const relates = content['m.relates_to'];
  const root = isObject(relates) && relates.rel_type === 'm.thread' ? asString(relates.event_id) : undefined;
  return root ?? 'main';
}

function verdictOf({ type, content, stateKey }: TrueEvent, userId: string): 'silent' | 'notify' | 'highlight' {
  const mentions = content['m.mentions'];
  const relates = content['m.relates_to'];
  if (content.msgtype === 'm.notice' || type === 'm.room.member') return 'silent';
  if (isObject(mentions) && Array.isArray(mentions.user_ids) && mentions.user_ids.includes(userId)) return 'highlight';
  if (type === 'm.room.tombstone' && stateKey === '') return 'highlight';
  if (type === 'm.reaction' || (isObject(relates) && relates.rel_type === 'm.replace')) return 'silent';
  return type === 'm.room.message' ? 'notify' : 'silent';
}
