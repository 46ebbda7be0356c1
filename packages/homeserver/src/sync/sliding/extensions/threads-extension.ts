import type { Database } from '../../../storage/engine/database.ts';
import type { EventStore } from '../../../storage/rooms/events/event-store.ts';
import { CHANGES_LIMIT_DEFAULT, subscriptionChanges } from '../../../thread-subscriptions/changes.ts';
import type { ChangeLog } from '../../changes/change-log.ts';
import { type ExtensionRequest, THREADS_EXTENSION } from './extension-request.ts';

interface Parts {
  readonly changeLog: ChangeLog;
  readonly database: Database;
  readonly events: EventStore;
}

/** Renders the extension about the user's thread subscriptions (MSC4308). */
export class ThreadsExtension {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Renders its member of `extensions`: new and ended thread subscriptions; empty without changes. After the extension
   * was enabled, it contains all subscriptions.
   */
  async text({ user, body, state, range }: ExtensionRequest): Promise<string> {
    const extension = body.extensions?.[THREADS_EXTENSION];
    if (extension?.enabled !== true) return '';
    const since = state?.extensions.includes(THREADS_EXTENSION) === true ? range.since : undefined;
    if (since !== undefined && !hasChanged(this.#parts.changeLog, user, since)) return '';
    // An answer with a limit of 0 would hide that there are changes.
    const limit = Math.max(extension.limit ?? CHANGES_LIMIT_DEFAULT, 1);
    const asked = { after: since ?? 0, upTo: range.upTo };
    const { content, rest } = await subscriptionChanges(this.#parts, user, asked, limit);
    if (Object.keys(content).length === 0 && rest === undefined) return '';
    const text = JSON.stringify(rest === undefined ? content : { ...content, prev_batch: rest });
    return `"${THREADS_EXTENSION}":${text}`;
  }
}

const NO_ROOMS: ReadonlySet<number> = new Set();

/** Returns whether there may be changes. Needs no query for clients that keep up. */
function hasChanged(changeLog: ChangeLog, user: number, since: number): boolean {
  const changes = changeLog.inRooms(user, NO_ROOMS, since);
  return changes?.some((change) => change.kind === 'thread-subscription' && change.user === user) ?? true;
}
