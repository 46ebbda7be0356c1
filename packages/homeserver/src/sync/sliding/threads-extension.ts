import {
  CHANGES_LIMIT_DEFAULT,
  type SubscriptionChangesDeps,
  subscriptionChanges,
} from '../../thread-subscriptions/changes.ts';
import type { ChangeLog } from '../change-log.ts';
import { type ExtensionRequest, THREADS_EXTENSION } from './extension-request.ts';

export interface ThreadsExtensionDeps extends SubscriptionChangesDeps {
  readonly recent: ChangeLog;
}

/**
 * Which threads the user has begun or ceased to follow, as a member of `extensions` (MSC4308). A client that
 * switches the extension on gets them from the beginning. Empty without news.
 */
export async function threadsExtension(
  deps: ThreadsExtensionDeps,
  { user, body, state, range }: ExtensionRequest,
): Promise<string> {
  const wish = body.extensions?.[THREADS_EXTENSION];
  if (wish?.enabled !== true) return '';
  const since = state?.extensions.includes(THREADS_EXTENSION) === true ? range.since : undefined;
  if (since !== undefined && !hasChanged(deps.recent, user, since)) return '';
  // A limit of nothing would hide that there is something.
  const limit = Math.max(wish.limit ?? CHANGES_LIMIT_DEFAULT, 1);
  const { content, rest } = await subscriptionChanges(deps, user, { after: since ?? 0, upTo: range.upTo }, limit);
  if (Object.keys(content).length === 0 && rest === undefined) return '';
  const text = JSON.stringify(rest === undefined ? content : { ...content, prev_batch: rest });
  return `"${THREADS_EXTENSION}":${text}`;
}

const NO_ROOMS: ReadonlySet<number> = new Set();

/** Whether there can be news; without a query for clients that keep up. */
function hasChanged(recent: ChangeLog, user: number, since: number): boolean {
  const changes = recent.inRooms(user, NO_ROOMS, since);
  return changes?.some((change) => change.kind === 'thread-subscription' && change.user === user) ?? true;
}
