import type { Head } from '../rooms/head.ts';
import type { StoredEvent } from '../storage/stored-event.ts';

/** What people outside a room are told of it (client-server API, "Stripped state"). */
const SHOWN_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const;

/** The stripped state events for somebody who is invited or knocks, their own member event last, as JSON texts. */
export async function strippedState(head: Head, member: StoredEvent): Promise<string[]> {
  const types = SHOWN_TYPES.map((type) => [type, ''] as const);
  const state = await head.states([...types, ['m.room.member', member.sender]]);
  const others = state.filter(({ num }) => num !== member.num);
  return [...others, member].map(strippedEvent);
}

/** A stripped state event: nothing but sender, type, state key and content. */
function strippedEvent(event: StoredEvent): string {
  const { sender, type, stateKey = '', contentText } = event;
  return `{"type":${JSON.stringify(type)},"state_key":${JSON.stringify(stateKey)},"sender":${JSON.stringify(sender)},"content":${contentText}}`;
}
