import { invalidParam } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Database } from '../storage/engine/database.ts';
import { readThreadSubscriptionChanges, type ThreadSubscriptionChange } from '../storage/push/thread-subscriptions.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';

export interface SubscriptionChangesDeps {
  readonly database: Database;
  readonly events: EventStore;
}

/** A range of the stream: after one position, and up to another. */
export interface ChangesRange {
  readonly after: number;
  readonly upTo: number;
}

/** The thread subscriptions and unsubscriptions of a user, in the format of the proposal, by room and root. */
export interface SubscriptionChanges {
  /** The members `subscribed` and `unsubscribed`, each absent if empty. */
  readonly content: JsonObject;
  /** The token of the page before the oldest returned change; absent if there are no more. */
  readonly rest: string | undefined;
}

export const CHANGES_LIMIT_DEFAULT = 100;
/** The maximum number of changes in an answer. */
const LIMIT_MAX = 500;

/**
 * Returns the latest changes in a range of the stream (MSC4308). Each thread appears once, with its current
 * subscription.
 */
export async function subscriptionChanges(
  { database, events }: SubscriptionChangesDeps,
  user: number,
  range: ChangesRange,
  limit: number,
): Promise<SubscriptionChanges> {
  const wanted = Math.min(limit, LIMIT_MAX);
  const rows = await readThreadSubscriptionChanges(database, user, range, wanted + 1);
  const told = rows.slice(0, wanted);
  const roots = await events.load(told.map(({ root }) => root));
  const content: Record<string, Record<string, JsonObject>> = {};
  for (const name of ['subscribed', 'unsubscribed']) {
    const named = told.filter(({ is_subscribed }) => (is_subscribed === 1) === (name === 'subscribed'));
    const byRoom = Map.groupBy(
      named.flatMap((row) => {
        const root = roots.get(row.root);
        return root === undefined ? [] : [{ row, root }];
      }),
      ({ root }) => root.roomId,
    );
    if (byRoom.size === 0) continue;
    content[name] = Object.fromEntries(
      [...byRoom].map(([roomId, list]) => [
        roomId,
        Object.fromEntries(list.map(({ row, root }) => [root.eventId, changeContent(row)])),
      ]),
    );
  }
  // The next page includes its upper end.
  const rest = rows.length > wanted ? threadsToken(rows[wanted]?.position ?? 0) : undefined;
  return { content, rest };
}

/** Renders a change. The stamp only tells which of two changes of the same thread is later. */
function changeContent({ is_subscribed, is_automatic, position }: ThreadSubscriptionChange): JsonObject {
  return is_subscribed === 1 ? { automatic: is_automatic === 1, bump_stamp: position } : { bump_stamp: position };
}

function threadsToken(position: number): string {
  return `threads_${position}`;
}

/** @throws MatrixError M_INVALID_PARAM for an invalid token */
export function parseThreadsToken(text: string, name: string): number {
  const match = /^threads_(\d{1,15})$/.exec(text);
  if (match === null) throw invalidParam(`'${name}' is not a pagination token of thread subscriptions`);
  return Number(match[1]);
}
