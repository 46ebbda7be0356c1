import { NOT_LOADED } from '../../platform/lookups/source.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateKeyNums, StateStore } from '../../storage/state/state-store.ts';
import { difference, lookup, type NewNode, withEntry, withoutEntry } from '../../storage/state/state-tree.ts';

/** A key whose event differs between two states. */
export interface StateChange extends StateKeyNums {
  readonly before: StoredEvent | undefined;
  readonly after: StoredEvent | undefined;
}

/**
 * Returns the keys in which two states differ.
 * @param provisional an event that is not stored yet and has the number 0 in the trees
 */
export async function stateChanges(
  { states, events }: { readonly states: StateStore; readonly events: EventStore },
  before: NodeRef,
  after: NodeRef,
  provisional?: StoredEvent,
): Promise<StateChange[]> {
  await states.loadDifference(before, after);
  const keys = new Map<string, StateKeyNums>();
  for (const { type, stateKey } of [...difference(before, after), ...difference(after, before)])
    keys.set(`${type}/${stateKey}`, { type, stateKey });
  const changed = [...keys.values()].map((key) => ({
    key,
    before: eventNum(before, key),
    after: eventNum(after, key),
  }));
  const loaded = await events.load(
    changed.flatMap((one) => [one.before ?? 0, one.after ?? 0]).filter((num) => num > 0),
  );
  const eventOf = (num: number | undefined) => (num === 0 ? provisional : loaded.get(num ?? -1));
  return changed.map(({ key, ...one }) => ({ ...key, before: eventOf(one.before), after: eventOf(one.after) }));
}

function eventNum(root: NodeRef, { type, stateKey }: StateKeyNums): number | undefined {
  const num = lookup(root, type, stateKey);
  if (num === NOT_LOADED) throw new Error('a state node vanished while states were compared');
  return num;
}

/** Returns a state with changes, in which the number 0 stands for the event `num`. */
export function withChanges(root: NodeRef, changes: readonly StateChange[], num: number, created: NewNode[]): NodeRef {
  let changed = root;
  for (const { type, stateKey, after } of changes) {
    changed =
      after === undefined
        ? withoutEntry(changed, { type, stateKey }, created)
        : withEntry(changed, { type, stateKey, event: after.num === 0 ? num : after.num }, created);
  }
  return changed;
}
