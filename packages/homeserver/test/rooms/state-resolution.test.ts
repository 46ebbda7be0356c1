import { ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Dice } from '../../../../tests/support/dice.ts';
import { AuthChains } from '../../src/rooms/graph/auth-chains.ts';
import { StateResolution } from '../../src/rooms/graph/state-resolution.ts';
import type { Head } from '../../src/rooms/head.ts';
import { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { lookup, type NewNode, withEntry, withoutEntry } from '../../src/storage/state/state-tree.ts';
import { EventGraph } from '../support/event-graph.ts';
import { openReceivingWorld, type ReceivingWorld } from '../support/receiving-world.ts';

/**
 * States that lack members are resolved with whole ones while the members of a room are not known (MSC3902). The join of the
 * creator is permitted only because it follows the create event.
 */
describe('the join of the creator of a room', () => {
  let world: ReceivingWorld;
  beforeAll(async () => {
    world = await openReceivingWorld();
  });
  afterAll(() => world.end());

  /** Resolves the state of a room with the same state without the creator, in both orders. Returns the creator's events. */
  async function creatorsIn(head: Head, creator: string): Promise<(string | undefined)[]> {
    const { names, states, events } = world;
    const resolution = new StateResolution({ names, states, events, authChains: new AuthChains(events) });
    const [type, stateKey] = [await names.num('m.room.member'), await names.reserve(creator)];
    await states.loadAll([head.root]);
    const created: NewNode[] = [];
    const without = { root: withoutEntry(head.root, { type, stateKey }, created), created };
    const whole = { root: head.root, created: [] };
    const found: (string | undefined)[] = [];
    for (const list of [
      [whole, without],
      [without, whole],
    ]) {
      const { root } = await resolution.resolve(head.version, list);
      const num = lookup(root, type, stateKey);
      found.push(typeof num === 'number' ? (await events.one(num))?.eventId : undefined);
    }
    return found;
  }

  test.each(ROOM_VERSIONS.map(({ id }) => id))(
    'stays when states with and without it are resolved, in version %s',
    async (version) => {
      const alice = await world.person();
      const head = await world.room(alice, { preset: 'private_chat', room_version: version });
      const join = await head.state('m.room.member', alice.userId);
      expect(await creatorsIn(head, alice.userId)).toEqual([join?.eventId, join?.eventId]);
    },
  );

  test.each(ROOM_VERSIONS.map((version) => [version.id, version] as const))(
    'stays in a room of another server, in version %s',
    async (_id, version) => {
      const graph = new EventGraph(version, new Dice(1), ROOM_VERSIONS.indexOf(version) + 1);
      const head = await world.enter(graph);
      const join = graph.opening.find(({ pdu }) => pdu.type === 'm.room.member');
      expect(await creatorsIn(head, join?.pdu.sender ?? '')).toEqual([join?.eventId, join?.eventId]);
    },
  );
});

/**
 * An event that was fetched as an auth event, and is received in the timeline afterwards, has two rows. States refer to the
 * one, and the auth events of later events to the other.
 */
describe('an event with two rows', () => {
  let world: ReceivingWorld;
  beforeAll(async () => {
    world = await openReceivingWorld();
  });
  afterAll(() => world.end());

  /** Stores an event anew. Returns the number of the new row. */
  async function storeAnew(event: StoredEvent): Promise<number> {
    const { events, stream } = world;
    const proof = (await events.proofs([event.num])).get(event.num);
    if (proof === undefined) throw new Error('the event has no proof');
    const anew = new StoredEvent(Object.assign({}, event, { num: stream.next(), seq: null }), event.contentText, null);
    await stream.commit([events.markRepeated(event), events.insert(anew, proof)], [], () => events.stored([anew]));
    return anew.num;
  }

  test.each(ROOM_VERSIONS.map(({ id }) => id))(
    'does not count as in the auth chain of only one state, in version %s',
    async (version) => {
      const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
      const head = await world.room(alice, { preset: 'public_chat', room_version: version });
      for (const person of [bob, carol]) await world.joining.join(head, person);
      const levels = (await head.state('m.room.power_levels'))?.content ?? {};
      const users = { ...(levels.users as object), [bob.userId]: 50, [carol.userId]: 50 };
      await world.setState(alice, head, 'm.room.power_levels', { ...levels, users });
      await world.setState(bob, head, 'm.room.join_rules', { join_rule: 'invite' });
      const rootOfBob = head.root;
      world.clock.skip(1_000);
      const later = await world.setState(carol, head, 'm.room.join_rules', { join_rule: 'knock' });
      const rootOfCarol = head.root;

      const { names, states, events } = world;
      const resolution = new StateResolution({ names, states, events, authChains: new AuthChains(events) });
      const [type, stateKey] = [await names.num('m.room.member'), await names.reserve(bob.userId)];
      const join = await head.state('m.room.member', bob.userId);
      if (join === undefined) throw new Error('the member event is missing');
      const event = await storeAnew(join);
      const list = [];
      for (const root of [rootOfBob, rootOfCarol]) {
        await states.loadAll([root]);
        const created: NewNode[] = [];
        list.push({ root: withEntry(root, { type, stateKey, event }, created), created });
      }
      const { root } = await resolution.resolve(head.version, list);
      const rules = { type: await names.num('m.room.join_rules'), stateKey: await names.num('') };
      expect(lookup(root, rules.type, rules.stateKey)).toBe(later.num);
    },
  );
});
