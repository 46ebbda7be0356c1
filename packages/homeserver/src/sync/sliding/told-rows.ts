import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { pastsOf } from '../pasts.ts';
import { invitations, type SkeletonChoice } from '../skeleton.ts';
import type { ConnectionState } from './connection-state.ts';

type Rows = ReadonlyMap<number, MembershipRow>;

/** Where a client is. */
interface Place {
  readonly state: ConnectionState | undefined;
  readonly since: number | undefined;
}

/**
 * A user's memberships as a client is to be told of them: without rooms that were forgotten and without invitations of
 * which the user is not told, except that a client that has such a room is told once that it was left.
 */
export async function toldRows(
  { events }: { readonly events: EventStore },
  rows: Rows,
  place: Place,
  hides: SkeletonChoice['hides'],
): Promise<Rows> {
  const special = [...rows.values()].filter(({ forgotten, membership }) => forgotten || membership === 'invite');
  if (special.length === 0) return rows;
  const shown = new Set((await invitations({ events }, special, hides)).told);
  const told = new Map(rows);
  for (const row of special) {
    if (shown.has(row) && !row.forgotten) continue;
    const left = await leftRow(events, row, place);
    if (left === undefined) told.delete(row.room);
    else told.set(row.room, left);
  }
  return told;
}

/** The row that says that a room was left, for a client that has it and was not told yet. */
async function leftRow(events: EventStore, row: MembershipRow, place: Place): Promise<MembershipRow | undefined> {
  const sent = place.state?.rooms.get(row.room);
  const from = sent?.upTo ?? place.since ?? 0;
  if (sent === undefined || row.event <= from) return undefined;
  if (row.membership !== 'invite') return { ...row, forgotten: false };
  const ended = (await pastsOf(events, [row], from)).get(row.room)?.ended;
  return ended === undefined ? undefined : { ...row, membership: 'leave', event: ended };
}
