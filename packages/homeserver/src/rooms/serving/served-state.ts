import { forbidden, notFound } from '@hearth/protocol/errors.ts';
import { inSlices } from '../../platform/concurrency/in-slices.ts';
import { concat, type Text } from '../../platform/long-text.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateEntry } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { entries } from '../../storage/state/state-tree.ts';
import type { AuthChains } from '../graph/auth-chains.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import type { Head } from '../head.ts';
import type { AskingServers } from './asking-servers.ts';
import type { HeavyRequests } from './heavy-requests.ts';
import type { PduTexts } from './pdu-texts.ts';
import type { ServerVisibility } from './server-visibility.ts';

/** The objects that read states and auth chains. */
export interface StateSources {
  readonly events: EventStore;
  readonly states: StateStore;
  readonly graphStates: GraphStates;
  readonly authChains: AuthChains;
}

interface StateParts {
  readonly asking: AskingServers;
  readonly sources: StateSources;
  readonly visibility: ServerVisibility;
  readonly texts: PduTexts;
  readonly heavy: HeavyRequests;
}

/** The number of events whose ids are read together. */
const READ_AT_ONCE = 2_000;
const NOTHING_HIDDEN: ReadonlySet<number> = new Set();

/** The events of a state and of its auth chain. Both lists may contain the same events. */
interface StateNums {
  readonly head: Head;
  readonly state: readonly number[];
  readonly chain: readonly number[];
  /** The numbers of the events that are redacted. */
  readonly hidden: ReadonlySet<number>;
}

/** Serves the states of rooms and auth chains to other servers (server-server API, "Retrieving events"). */
export class ServedState {
  readonly #parts: StateParts;

  constructor(parts: StateParts) {
    this.#parts = parts;
  }

  /**
   * Returns the state before an event with its auth chain, as JSON text. If the server may not read the event, those
   * events are redacted that are not in the current state.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_LIMIT_EXCEEDED
   */
  async pdus(server: string, roomId: string, eventId: string): Promise<Text> {
    const { head, state, chain, hidden } = await this.#before(server, roomId, eventId);
    const later = (nums: readonly number[]) => this.#parts.texts.later(head.version, nums, hidden);
    return concat('{"pdus":[', later(state), '],"auth_chain":[', later(chain), ']}');
  }

  /** Returns the same as {@link pdus} with ids instead of events. @throws MatrixError */
  async ids(server: string, roomId: string, eventId: string): Promise<Text> {
    const { state, chain } = await this.#before(server, roomId, eventId);
    const { events } = this.#parts.sources;
    return concat(
      '{"pdu_ids":[',
      await idTexts(events, state),
      '],"auth_chain_ids":[',
      await idTexts(events, chain),
      ']}',
    );
  }

  /** Returns the auth chain of an event as JSON text. @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_LIMIT_EXCEEDED */
  async authChain(server: string, roomId: string, eventId: string): Promise<Text> {
    const { asking, sources, texts, heavy } = this.#parts;
    const head = await asking.inRoomAt(roomId, server, [eventId]);
    const event = await asking.event(head, eventId);
    const chain = await heavy.run(() => sources.authChains.chain([event.num]));
    return concat('{"auth_chain":[', texts.later(head.version, [...chain]), ']}');
  }

  async #before(server: string, roomId: string, eventId: string): Promise<StateNums> {
    const { asking, sources, visibility, heavy } = this.#parts;
    const head = await asking.inRoomAt(roomId, server, [eventId]);
    const event = await asking.event(head, eventId);
    if (asking.isPartial(head)) throw forbidden('This server does not know the whole state of the room yet');
    return heavy.run(async () => {
      const state = (await stateBefore(sources, event)).map((entry) => entry.event);
      const chain = [...(await sources.authChains.chain(state))];
      const isHidden = (await visibility.hiddenFrom(server, head, [event])).size > 0;
      return {
        head,
        state,
        chain,
        hidden: isHidden ? await this.#notCurrent(head, [...state, ...chain]) : NOTHING_HIDDEN,
      };
    });
  }

  /** Returns the events that are not in the current state, which every server in the room gets. */
  async #notCurrent({ root }: Head, nums: readonly number[]): Promise<ReadonlySet<number>> {
    await this.#parts.sources.states.loadAll([root]);
    const current = new Set(entries(root).map((entry) => entry.event));
    return new Set(nums.filter((num) => !current.has(num)));
  }
}

/** Returns the ids of events as JSON texts, separated by commas. */
export async function idTexts(events: EventStore, nums: readonly number[]): Promise<string> {
  const texts = await inSlices(nums, READ_AT_ONCE, async (some) => {
    const ids = await events.idsOf(some);
    return some.flatMap((num) => ids.get(num) ?? []).map((id) => JSON.stringify(id));
  });
  return texts.join(',');
}

/** Returns the state before an event. @throws MatrixError M_NOT_FOUND for an outlier */
export async function stateBefore(
  { graphStates, states }: Pick<StateSources, 'graphStates' | 'states'>,
  event: StoredEvent,
): Promise<StateEntry[]> {
  const root = await graphStates.before(event);
  if (root === undefined) throw notFound('The state at this event is not known');
  await states.loadAll([root]);
  return entries(root);
}
