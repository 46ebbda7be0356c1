import { timelineToken } from '../../timeline/position.ts';
import { type Counts, totalOf, type Unread } from '../../unread/unread-counts.ts';

/** Renders the member `timeline` of a room. `after` is the position before its first event, see `timelineToken`. */
export function timelineText({
  texts,
  limited,
  after,
}: {
  readonly texts: readonly string[];
  readonly limited: boolean;
  readonly after: number | undefined;
}): string {
  const prevBatch = after === undefined ? '' : `,"prev_batch":"${timelineToken(after)}"`;
  return `"timeline":{"events":[${texts.join(',')}],"limited":${limited}${prevBatch}}`;
}

/** Renders the unread counts of a room, either in total or for each thread separately. */
export function unreadText(unread: Unread, byThread: boolean): string {
  if (!byThread) return `"unread_notifications":${countsText(totalOf(unread))}`;
  const threads = [...unread.threads].map(([root, counts]) => `${JSON.stringify(root)}:${countsText(counts)}`);
  const own = threads.length === 0 ? '' : `,"unread_thread_notifications":{${threads.join(',')}}`;
  return `"unread_notifications":${countsText(unread.main)}${own}`;
}

function countsText({ notifications, highlights }: Counts): string {
  return `{"notification_count":${notifications},"highlight_count":${highlights}}`;
}
