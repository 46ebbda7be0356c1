import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { InvitePermission } from '../account-data/invite-permission.ts';
import type { Verdicts } from '../push-rules/verdicts.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Write } from '../storage/engine/database.ts';
import { queuePush } from '../storage/push/push-queue.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { type VisibilityDeps, visibleEvents } from '../timeline/visibility.ts';
import type { Pushers } from './pushers.ts';

export interface EnqueueDeps extends VisibilityDeps {
  readonly heads: Heads;
  readonly ignoredUsers: IgnoredUsers;
  readonly invitePermission: InvitePermission;
  readonly verdicts: Verdicts;
  readonly pushers: Pushers;
}

/** An event that a user is to be told of, and how. */
interface Notified {
  readonly user: number;
  readonly event: number;
  readonly actions: string;
}

/** The notifications of events as writes, and the pushers that have to deliver them. */
export async function enqueue(
  deps: EnqueueDeps,
  events: readonly StoredEvent[],
): Promise<{ writes: Write[]; pushers: Set<number> }> {
  const notified: Notified[] = [];
  for (const [room, inRoom] of Map.groupBy(events, (event) => event.room)) {
    const head = await deps.heads.byNum(room);
    if (head !== undefined) notified.push(...(await notifiedOf(deps, head, inRoom)));
  }
  const rows = await deps.pushers.ofMany([...new Set(notified.map(({ user }) => user))]);
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

async function notifiedOf(deps: EnqueueDeps, head: Head, events: readonly StoredEvent[]): Promise<Notified[]> {
  const notified: Notified[] = [];
  for (const user of both(head.joined, deps.pushers.users)) {
    const seen = await visibleEvents(deps, user, head.num, events);
    const own = seen.filter(({ membership }) => membership === 'join').map(({ event }) => event);
    notified.push(...(await judged(deps, head, user, own)));
  }
  for (const event of events) {
    const user = event.stateKeyNum;
    if (user === null || event.type !== 'm.room.member' || event.content.membership !== 'invite') continue;
    if (!deps.pushers.users.has(user) || (await deps.invitePermission.blocks(user))) continue;
    notified.push(...(await judged(deps, head, user, [event])));
  }
  return notified;
}

async function judged(
  deps: EnqueueDeps,
  head: Head,
  user: number,
  events: readonly StoredEvent[],
): Promise<Notified[]> {
  const ignored = await deps.ignoredUsers.of(user);
  const others = events.filter(
    ({ senderNum, redactedBy }) => senderNum !== user && redactedBy === null && !ignored.has(senderNum),
  );
  if (others.length === 0) return [];
  const actions = await deps.verdicts.actionsOf(user, await deps.names.text(user), head, others);
  return others.flatMap(({ num }, i) => {
    const own = actions[i] ?? [];
    return own.length === 0 ? [] : [{ user, event: num, actions: JSON.stringify(own) }];
  });
}

/** Goes through the smaller of two sets. */
function both(a: ReadonlySet<number>, b: ReadonlySet<number>): number[] {
  const [fewer, more] = a.size < b.size ? [a, b] : [b, a];
  return [...fewer].filter((one) => more.has(one));
}
