import { NOT_LOADED } from '../../platform/lookups/source.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { lookup } from '../../storage/state/state-tree.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import type { BuiltState } from '../graph/state-resolution.ts';

/**
 * Returns a partial state with the member events among the auth events of an event that the state lacks. The server that
 * has sent the event claims that they are in the state. That is examined when the whole state is known.
 */
export async function withMembersOf(
  { states, graphStates }: { readonly states: StateStore; readonly graphStates: GraphStates },
  before: BuiltState,
  auth: readonly StoredEvent[],
): Promise<BuiltState> {
  let state = before;
  for (const event of auth) {
    const { type, stateKeyNum, typeNum, standing } = event;
    if (type !== 'm.room.member' || stateKeyNum === null || standing === STANDING.rejected) continue;
    await states.loadKeys([state.root], [{ type: typeNum, stateKey: stateKeyNum }]);
    const known = lookup(state.root, typeNum, stateKeyNum);
    if (known === NOT_LOADED) throw new Error('a state node vanished while it was read');
    if (known === undefined) state = await graphStates.withEvent(state, event);
  }
  return state;
}
