import { ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import { splitStateMapKey } from '@hearth/protocol/state/state-map.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Dice } from '../../../../tests/support/dice.ts';
import { STANDING } from '../../src/storage/rooms/events/stored-event.ts';
import { EventGraph, type GraphEvent } from '../support/event-graph.ts';
import { openReceivingWorld, type ReceivingWorld } from '../support/receiving-world.ts';

/**
 * The number of random graphs for each room version: `HEARTH_TEST_GRAPHS=10000 npx vitest run` with this file runs more.
 * `HEARTH_TEST_GRAPH_SEED` is the seed of the first.
 */
const GRAPHS = Number(process.env.HEARTH_TEST_GRAPHS ?? 50);
const FIRST_SEED = Number(process.env.HEARTH_TEST_GRAPH_SEED ?? 1);
/** The seeds with which faults were found. */
const FAULTS = [12_006];
const SEEDS = new Set([...FAULTS, ...Array.from({ length: GRAPHS }, (_, i) => FIRST_SEED + i)]);
const EVENTS_MAX = 25;
const VERSIONS = ROOM_VERSIONS.filter(({ id }) => ['1', '2', '10', '12'].includes(id));

let worlds: ReceivingWorld[];
beforeAll(async () => {
  worlds = [await openReceivingWorld(), await openReceivingWorld(), await openReceivingWorld()];
});
afterAll(async () => {
  for (const world of worlds) await world.end();
});

/** Returns the events of a graph in a random order in which each event comes after those before it. */
function inCausalOrder(graph: EventGraph, dice: Dice): GraphEvent[] {
  const placed = new Set(graph.opening.map(({ eventId }) => eventId));
  const waiting = [...graph.events.values()].slice(graph.opening.length);
  const ordered: GraphEvent[] = [];
  while (waiting.length > 0) {
    const ready = waiting.filter(({ prev }) => prev.every((id) => placed.has(id)));
    const next = dice.pick(ready);
    waiting.splice(waiting.indexOf(next), 1);
    placed.add(next.eventId);
    ordered.push(next);
  }
  return ordered;
}

function shuffled<T>(list: readonly T[], dice: Dice): T[] {
  const left = [...list];
  return list.map(() => left.splice(dice.below(left.length), 1)[0] as T);
}

/** Returns the standings of the events: rejected or not. Soft failure depends on the order. */
async function standings(world: ReceivingWorld, graph: EventGraph): Promise<string[]> {
  const lines: string[] = [];
  for (const { eventId } of [...graph.events.values()].slice(graph.opening.length)) {
    const event = await world.events.byId(eventId);
    lines.push(
      `${eventId} ${event === undefined ? 'missing' : event.standing === STANDING.rejected ? 'rejected' : 'kept'}`,
    );
  }
  return lines;
}

const linesOfMap = (state: ReadonlyMap<string, string>) =>
  [...state].map(([key, eventId]) => `${splitStateMapKey(key).join('\0')}=${eventId}`).sort();

/** Returns the users who have joined after an event. */
function joinedIn(graph: EventGraph, { after }: GraphEvent): string[] {
  const members = [...after.values()].map((eventId) => graph.event(eventId).pdu);
  const joined = members.filter(({ type, content }) => type === 'm.room.member' && content.membership === 'join');
  return joined.map(({ state_key: userId }) => userId ?? '').sort();
}

async function check(graph: EventGraph, deliveries: readonly (readonly GraphEvent[])[], merge: GraphEvent) {
  const expected = linesOfMap(merge.after);
  const kept = [...graph.events.values()].slice(graph.opening.length);
  const expectedStandings = kept.map(({ eventId, isRejected }) => `${eventId} ${isRejected ? 'rejected' : 'kept'}`);
  for (const [i, events] of deliveries.entries()) {
    const world = worlds[i];
    if (world === undefined) throw new Error('there are too few worlds');
    const head = await world.enter(graph);
    for (const event of events) await world.receive(head, event);
    await world.receive(head, merge);
    expect(await standings(world, graph), `standings of delivery ${i}`).toEqual(expectedStandings);
    for (const event of kept) {
      const before = await world.stateBeforeEvent(event);
      expect(before, `state before ${event.eventId} of delivery ${i}`).toEqual(linesOfMap(event.before));
    }
    expect(await world.linesOf(head.row.root), `state of delivery ${i}`).toEqual(expected);
    expect(head.extremities.map(({ eventId }) => eventId)).toEqual([merge.eventId]);
    const joined = joinedIn(graph, merge);
    expect(await world.joinedUsers(head), `members of delivery ${i}`).toEqual({ inHead: joined, inTable: joined });
  }
}

test.each(VERSIONS.map((version) => ({ version, id: version.id })))(
  'version $id: any order of delivery gives the state that the specification defines',
  { timeout: 3_600_000 },
  async ({ version }) => {
    for (const seed of SEEDS) {
      const dice = new Dice(seed);
      const graph = new EventGraph(version, dice, seed * 100 + Number(version.id));
      for (let i = dice.between(3, EVENTS_MAX); i > 0; i -= 1) graph.grow();
      const events = [...graph.events.values()].slice(graph.opening.length);
      const merge = graph.merge();
      const deliveries = [inCausalOrder(graph, dice), inCausalOrder(graph, dice), shuffled(events, dice)];
      try {
        await check(graph, deliveries, merge);
      } catch (error) {
        throw new Error(`graph with seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
  },
);
