import { ROOM_VERSIONS, type RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { splitStateMapKey } from '@hearth/protocol/state/state-map.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Dice } from '../../../../tests/support/dice.ts';
import type { Head } from '../../src/rooms/head.ts';
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
const FAULTS = [289, 586, 12_006, 20_381, 20_385, 30_008, 30_022, 30_027, 30_370, 30_418, 30_491];
const SEEDS = new Set([...FAULTS, ...Array.from({ length: GRAPHS }, (_, i) => FIRST_SEED + i)]);
const EVENTS_MAX = 25;
const VERSIONS = ROOM_VERSIONS.filter(({ id }) => ['1', '2', '10', '12'].includes(id));

let worlds: ReceivingWorld[];
beforeAll(async () => {
  worlds = await Promise.all([1, 2, 3].map(() => openReceivingWorld()));
});
afterAll(async () => {
  for (const world of worlds) await world.end();
});

/** Returns the events of a graph in a random order in which each event comes after those before it. */
function inCausalOrder(graph: EventGraph, dice: Dice): GraphEvent[] {
  const placed = new Set(graph.opening.map(({ eventId }) => eventId));
  const waiting = laterEvents(graph);
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

/** Returns the events after the entry, without the last, which merges all branches. */
function laterEvents(graph: EventGraph): GraphEvent[] {
  return [...graph.events.values()].slice(graph.opening.length, -1);
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

/** A way in which the events of a graph reach a server. */
interface Delivery {
  readonly events: readonly GraphEvent[];
  /** The number of events after which the whole state becomes known. Absent if it came with the join. */
  readonly wholeAfter?: number;
}

async function deliver(world: ReceivingWorld, graph: EventGraph, { events, wholeAfter }: Delivery): Promise<Head> {
  const head = await world.enter(graph, wholeAfter !== undefined);
  for (const [i, event] of events.entries()) {
    if (i === wholeAfter) await world.complete(head);
    await world.receive(head, event);
  }
  await world.complete(head);
  return head;
}

async function check(graph: EventGraph, deliveries: readonly Delivery[], merge: GraphEvent) {
  const expected = linesOfMap(merge.after);
  const kept = [...graph.events.values()].slice(graph.opening.length);
  const expectedStandings = kept.map(({ eventId, isRejected }) => `${eventId} ${isRejected ? 'rejected' : 'kept'}`);
  for (const [i, delivery] of deliveries.entries()) {
    const world = worlds[i];
    if (world === undefined) throw new Error('there are too few worlds');
    const head = await deliver(world, graph, delivery);
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
    const { stored, inStates, completed = 0 } = await world.positions(head);
    // While the state was partial, memberships may have changed with other events than they do with the whole state.
    const later = (positions: ReadonlyMap<number, number>) =>
      new Map([...positions].filter(([, position]) => position > completed));
    expect(later(stored), `positions of memberships of delivery ${i}`).toEqual(later(inStates));
  }
}

const versions = VERSIONS.map((version) => ({ version, id: version.id }));

/** Checks deliveries of random graphs with different seeds. */
async function checkAll(
  version: RoomVersion,
  hasDeparted: boolean,
  deliveriesOf: (graph: EventGraph, dice: Dice) => Delivery[],
) {
  for (const seed of SEEDS) {
    const dice = new Dice(seed);
    const graph = new EventGraph(version, dice, seed * 100 + Number(version.id) + (hasDeparted ? 50 : 0), hasDeparted);
    for (let i = dice.between(3, EVENTS_MAX); i > 0; i -= 1) graph.grow();
    const merge = graph.merge();
    try {
      await check(graph, deliveriesOf(graph, dice), merge);
    } catch (error) {
      throw new Error(`graph with seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
}

test.each(versions)(
  'version $id: any order of delivery gives the state that the specification defines',
  { timeout: 3_600_000 },
  async ({ version }) => {
    await checkAll(version, false, (graph, dice) => [
      { events: inCausalOrder(graph, dice) },
      { events: inCausalOrder(graph, dice) },
      { events: shuffled(laterEvents(graph), dice) },
    ]);
  },
);

test.each(versions)(
  'version $id: a join with partial state leads to the same state, whenever the whole state arrives',
  { timeout: 3_600_000 },
  async ({ version }) => {
    await checkAll(version, true, (graph, dice) => [
      { events: inCausalOrder(graph, dice) },
      { events: inCausalOrder(graph, dice), wholeAfter: dice.below(laterEvents(graph).length + 1) },
      { events: shuffled(laterEvents(graph), dice), wholeAfter: dice.below(laterEvents(graph).length + 1) },
    ]);
  },
);

test.each(versions)(
  'version $id: memberships that become known with the whole state have its position',
  async ({ version }) => {
    const world = await openReceivingWorld();
    try {
      const head = await world.enter(new EventGraph(version, new Dice(FIRST_SEED), 1), true);
      const { stored: before } = await world.positions(head);
      await world.complete(head);
      const { stored: after, completed } = await world.positions(head);
      expect(after.size).toBeGreaterThan(before.size);
      for (const [user, position] of after) expect(position).toBe(before.get(user) ?? completed);
    } finally {
      await world.end();
    }
  },
);
