import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../storage/state/state-store.ts';

/**
 * The member events of the senders of some events of one room, as of the state before the latest of them
 * (client-server API, "Lazy-loading room members").
 */
export async function sendersOf(
  deps: { readonly names: Names; readonly events: EventStore; readonly states: StateStore },
  events: readonly StoredEvent[],
): Promise<StoredEvent[]> {
  const latest = events.reduce<StoredEvent | undefined>(
    (a, b) => (a === undefined || b.num > a.num ? b : a),
    undefined,
  );
  if (latest === undefined) return [];
  const member = await deps.names.num('m.room.member');
  const keys = [...new Set(events.map(({ senderNum }) => senderNum))].map((stateKey) => ({ type: member, stateKey }));
  const roots = await deps.states.snapshots([latest.snapshot]);
  const [nums = []] = await deps.states.lookupMany([...roots.values()], keys);
  return deps.events.list(nums.filter((num) => num !== undefined));
}
