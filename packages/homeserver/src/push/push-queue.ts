import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { InvitePermission } from '../account-data/invite-permission.ts';
import type { Verdicts } from '../push-rules/verdicts.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Write } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import { queuePush } from '../storage/push/push-queue.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { Visibility } from '../timeline/visibility.ts';
import type { Pushers } from './pushers.ts';

interface PushQueueParts {
  readonly heads: Heads;
  readonly names: Names;
  readonly visibility: Visibility;
  readonly ignoredUsers: IgnoredUsers;
  readonly invitePermission: InvitePermission;
  readonly verdicts: Verdicts;
  readonly pushers: Pushers;
}

/** An event of which a user must be notified, with the actions of the rule. */
interface Notified {
  readonly user: number;
  readonly event: number;
  readonly actions: string;
}

/** Adds notifications of events to the queues of pushers. */
export class PushQueue {
  readonly #parts: PushQueueParts;

  constructor(parts: PushQueueParts) {
    this.#parts = parts;
  }

  /** Returns the notifications of events as writes, and the pushers that have to deliver them. */
  async enqueue(events: readonly StoredEvent[]): Promise<{ writes: Write[]; pushers: Set<number> }> {
    const notified: Notified[] = [];
    for (const [room, inRoom] of Map.groupBy(events, (event) => event.room)) {
      const head = await this.#parts.heads.byNum(room);
      if (head !== undefined) notified.push(...(await this.#notified(head, inRoom)));
    }
    const rows = await this.#parts.pushers.ofMany([...new Set(notified.map(({ user }) => user))]);
    const byUser = Map.groupBy(rows, ({ user_num }) => user_num);
    const writes: Write[] = [];
    const pushers = new Set<number>();
    for (const { user, event, actions } of notified) {
      for (const { num, position } of byUser.get(user) ?? []) {
        if (event <= position) continue;
        writes.push(queuePush(num, { event, actions }));
        pushers.add(num);
      }
    }
    return { writes, pushers };
  }

  async #notified(head: Head, events: readonly StoredEvent[]): Promise<Notified[]> {
    const { pushers, visibility, invitePermission } = this.#parts;
    const notified: Notified[] = [];
    for (const user of head.joined.intersection(pushers.users)) {
      const seen = await visibility.visibleTo(user, head.num, events);
      const own = seen.filter(({ membership }) => membership === 'join').map(({ event }) => event);
      notified.push(...(await this.#judged(head, user, own)));
    }
    for (const event of events) {
      const user = event.stateKeyNum;
      if (user === null || event.type !== 'm.room.member' || event.content.membership !== 'invite') continue;
      if (!pushers.users.has(user) || (await invitePermission.hides(user, event.sender))) continue;
      notified.push(...(await this.#judged(head, user, [event])));
    }
    return notified;
  }

  /** Applies the push rules of a user to events. */
  async #judged(head: Head, user: number, events: readonly StoredEvent[]): Promise<Notified[]> {
    const { ignoredUsers, verdicts, names } = this.#parts;
    const ignored = await ignoredUsers.of(user);
    const others = events.filter(
      ({ senderNum, redactedBy }) => senderNum !== user && redactedBy === null && !ignored.has(senderNum),
    );
    if (others.length === 0) return [];
    const actions = await verdicts.actionsOf(user, await names.text(user), head, others);
    return others.flatMap(({ num }, i) => {
      const own = actions[i] ?? [];
      return own.length === 0 ? [] : [{ user, event: num, actions: JSON.stringify(own) }];
    });
  }
}
