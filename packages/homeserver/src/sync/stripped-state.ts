import type { Head, StateKeyPair } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';

/** The state of a room that users outside it are shown (client-server API, "Stripped state"). */
const SHOWN_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const;

/** The member events of somebody who is outside some rooms, with what {@link strippedState} asks of each in memory. */
export async function prepareStripped(
  { heads, events }: { readonly heads: Heads; readonly events: EventStore },
  rows: readonly MembershipRow[],
): Promise<ReadonlyMap<number, StoredEvent>> {
  const members = await events.load(rows.map(({ event }) => event));
  await heads.ensure(rows.map(({ room }) => room));
  const places = rows.flatMap(({ room, event }) => {
    const [head, member] = [heads.cached(room), members.get(event)];
    return head === undefined || member === undefined ? [] : { head, keys: shownPlaces(member) };
  });
  await heads.ensureState(places);
  return members;
}

/** The stripped state events for somebody who is invited or knocks, their own member event last, as JSON texts. */
export async function strippedState(head: Head, member: StoredEvent): Promise<string[]> {
  const state = await head.states(shownPlaces(member));
  const others = state.filter(({ num }) => num !== member.num);
  return [...others, member].map(strippedEvent);
}

function shownPlaces({ sender }: StoredEvent): StateKeyPair[] {
  return [...SHOWN_TYPES.map((type) => [type, ''] as const), ['m.room.member', sender]];
}

/** A stripped state event: nothing but sender, type, state key and content. */
function strippedEvent(event: StoredEvent): string {
  const { sender, type, stateKey = '', contentText } = event;
  return `{"type":${JSON.stringify(type)},"state_key":${JSON.stringify(stateKey)},"sender":${JSON.stringify(sender)},"content":${contentText}}`;
}
