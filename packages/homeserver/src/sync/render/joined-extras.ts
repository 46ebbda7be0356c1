import type { Clock } from '../../platform/clock.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Reader } from '../../rooms/access.ts';
import type { Heads } from '../../rooms/heads.ts';
import { SYNC_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import type { StickyEvents } from '../../timeline/sticky.ts';
import { marksAsRead } from '../../unread/read-marks.ts';
import { totalOf, type UnreadCounts } from '../../unread/unread-counts.ts';
import { type MemberSummaries, maySummaryChange } from '../gather/member-summaries.ts';
import type { TimedRoom } from '../gather/room-state.ts';
import type { RoomNews } from './room-news.ts';
import type { SectionRequest } from './section-request.ts';
import { unreadText } from './section-texts.ts';

interface Parts {
  readonly clock: Clock;
  readonly heads: Heads;
  readonly unread: UnreadCounts;
  readonly summaries: MemberSummaries;
  readonly sticky: StickyEvents;
  readonly renderer: EventRenderer;
}

/** Renders the members of a room's section that only joined rooms have. */
export class JoinedExtras {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Renders these members with a leading comma; empty if neither they nor the timeline have changed. */
  text(lookups: Lookups, request: SectionRequest, timed: TimedRoom, hasState: boolean, news: RoomNews): string {
    const { room, timeline } = timed;
    const num = room.row.room;
    const accountData = news.accountData.get(num) ?? NOTHING;
    const ephemeral = news.ephemeral.get(num) ?? NOTHING;
    const sticky = this.#sticky(lookups, request, timed);
    const hasSummary = room.isNew || request.fullState || room.hasNewMembers === true || maySummaryChange(timeline);
    const hasNews =
      timeline.shown.length > 0 ||
      hasState ||
      accountData.length > 0 ||
      ephemeral.length > 0 ||
      sticky.length > 0 ||
      hasSummary;
    // Events that a filter excludes count too.
    if (!hasNews && timeline.considered.length === 0) return '';
    const head = lookups.get(this.#parts.heads.source, num);
    if (head === undefined) return '';
    const user = { num: request.user, id: request.userId };
    const [unread, summary] = lookups.both(
      () => lookups.get(this.#parts.unread.source, { user, head, row: room.row }),
      () => (hasSummary ? `,"summary":${this.#parts.summaries.text(lookups, head, request.user)}` : ''),
    );
    const mayCount =
      totalOf(unread).notifications > 0 || timeline.considered.some((event) => marksAsRead(event, user.num));
    if (!hasNews && !mayCount) return '';
    let text = '';
    // Clients that check a new room expect these two members even if they are empty.
    if (accountData.length > 0 || room.isNew) text += `,"account_data":{"events":[${accountData.join(',')}]}`;
    if (ephemeral.length > 0 || room.isNew) text += `,"ephemeral":{"events":[${ephemeral.join(',')}]}`;
    if (sticky.length > 0) text += `,"msc4354_sticky":{"events":[${sticky.join(',')}]}`;
    return `${text},${unreadText(unread, request.filter.threadCounts)}${summary}`;
  }

  /** Renders sticky events that the timeline does not contain (MSC4354). */
  #sticky(
    lookups: Lookups,
    { since, upTo, reader, fullState }: SectionRequest,
    { room, timeline }: TimedRoom,
  ): readonly string[] {
    const from = room.isNew || fullState ? 0 : (since ?? 0);
    const range = { since: from, upTo, now: this.#parts.clock.now(), shown: timeline.shown };
    const events = this.#parts.sticky.events(lookups, reader, room.row.room, range);
    return events.length === 0 ? NOTHING : this.#renderedState(lookups, reader, events);
  }

  #renderedState(lookups: Lookups, reader: Reader, events: ReturnType<StickyEvents['events']>): readonly string[] {
    return this.#parts.renderer.texts(
      lookups,
      reader,
      events.map((event) => ({ event })),
      SYNC_FORMAT,
    );
  }
}

const NOTHING: readonly string[] = [];
