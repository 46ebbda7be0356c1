import type { Pdu } from '@hearth/protocol/events/event.ts';
import { roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Dice } from '../../../../tests/support/dice.ts';
import { STANDING } from '../../src/storage/rooms/events/stored-event.ts';
import { EventGraph, type GraphEvent } from '../support/event-graph.ts';
import { openReceivingWorld, type ReceivingWorld } from '../support/receiving-world.ts';

/** The servers that answer. */
const answering = new Set<string>();
/** The servers that were asked. */
const asked: string[] = [];
let world: ReceivingWorld;
beforeAll(async () => {
  world = await openReceivingWorld((server) => {
    asked.push(server);
    return answering.has(server);
  });
});
afterAll(() => world.end());

const SECOND_MS = 1_000;

/** Returns a room of the servers a, b and c, and the last of two events that are not known here. */
async function roomWithMissingEvent(seed: number): Promise<{ graph: EventGraph; last: GraphEvent }> {
  const version = roomVersion('10');
  if (version === undefined) throw new Error('the room version is missing');
  const graph = new EventGraph(version, new Dice(seed), seed);
  await world.enter(graph);
  graph.merge();
  return { graph, last: graph.merge() };
}

const standingOf = async (eventId: string) => (await world.events.byId(eventId))?.standing;
const deliver = (by: string, pdu: Pdu) => world.staging.add(by, [pdu]);

test('an event is completed by another server if the one that has sent it does not know what is before', async () => {
  const { last } = await roomWithMissingEvent(1);
  answering.add('b.test').add('c.test');
  await deliver('a.test', last.pdu);
  await world.clock.pass(SECOND_MS);
  expect(new Set(asked)).toEqual(new Set(['a.test']));
  expect(await standingOf(last.eventId)).toBeUndefined();
  await world.clock.pass(10 * SECOND_MS);
  expect(await standingOf(last.eventId)).toBe(STANDING.accepted);
});

test('all servers of the room are asked in turn until one knows the events before', async () => {
  const { last } = await roomWithMissingEvent(2);
  answering.clear();
  asked.length = 0;
  await deliver('a.test', last.pdu);
  // The attempts begin after 10, 20, 40 and 80 seconds.
  await world.clock.pass(80 * SECOND_MS);
  expect(new Set(asked)).toEqual(new Set(['a.test', 'b.test', 'c.test']));
  expect(await standingOf(last.eventId)).toBeUndefined();
  answering.add('a.test');
  await world.clock.pass(200 * SECOND_MS);
  expect(await standingOf(last.eventId)).toBe(STANDING.accepted);
});
