import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import type { BuiltState, StateResolution } from '../graph/state-resolution.ts';

export interface LearningParts {
  readonly states: StateStore;
  readonly graphStates: GraphStates;
  readonly resolution: StateResolution;
}

/**
 * Returns a partial state with the member events among the auth events of an event, because the server that has sent the
 * event claims that they are in the state before it. They are added where the state has no member event, and resolved with the
 * state where it has another. The claim is examined when the whole state is known.
 */
export async function withMembersOf(
  { states, graphStates, resolution }: LearningParts,
  version: RoomVersion,
  before: BuiltState,
  auth: readonly StoredEvent[],
): Promise<BuiltState> {
  let state = before;
  const other: StoredEvent[] = [];
  for (const event of auth) {
    const { type, stateKeyNum, typeNum, standing } = event;
    if (type !== 'm.room.member' || stateKeyNum === null || standing === STANDING.rejected) continue;
    const [[known] = []] = await states.lookupMany([state.root], [{ type: typeNum, stateKey: stateKeyNum }]);
    if (known === undefined) state = await graphStates.withEvent(state, event);
    else if (known !== event.num) other.push(event);
  }
  if (other.length === 0) return state;
  let claimed = state;
  for (const event of other) claimed = await graphStates.withEvent(claimed, event);
  return resolution.resolve(version, [state, claimed]);
}
