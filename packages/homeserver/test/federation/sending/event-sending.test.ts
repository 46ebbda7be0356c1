import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSending } from '../../../src/compose/federation-sending.ts';
import { Destinations } from '../../../src/federation/client/destinations.ts';
import type { FederationRequest } from '../../../src/federation/client/federation-client.ts';
import { FederationError } from '../../../src/federation/client/federation-error.ts';
import { silentLog } from '../../../src/platform/monitoring/log.ts';
import { noMetrics } from '../../../src/platform/monitoring/metrics.ts';
import type { Head } from '../../../src/rooms/head.ts';
import { PeekingServers } from '../../../src/rooms/peeking/peeking-servers.ts';
import { ServersInRooms } from '../../../src/rooms/remote/servers-in-room.ts';
import { sql } from '../../../src/storage/engine/database.ts';
import { RoomServers } from '../../../src/storage/rooms/room-servers.ts';
import { engines } from '../../storage/engines.ts';
import { NO_PEEKS } from '../../support/no-peeks.ts';
import { storedName } from '../../support/stored-name.ts';
import { openWorld, type Person, reopenWorld, textsOf, type World } from '../../support/world.ts';
import { settledAt } from './sending-world.ts';

const selectLate = sql('SELECT server FROM late_servers');
const selectEvent = sql('SELECT event FROM forwarded_events');

interface Sent {
  readonly server: string;
  readonly pdus: readonly JsonObject[];
}

/** Other servers, which record what they get. */
class Others {
  readonly sent: Sent[] = [];
  readonly down = new Set<string>();
  fail: (server: string) => void = () => {};

  readonly request = async (server: string, { contentText = '' }: FederationRequest) => {
    if (this.down.has(server)) {
      this.fail(server);
      throw new FederationError('no-answer', 'no connection');
    }
    const { pdus } = JSON.parse(contentText) as Sent;
    this.sent.push({ server, pdus });
    return { pdus: {} };
  };

  /** Returns the bodies of messages and types of other events that a server has got, and forgets them. */
  taken(server: string): string[] {
    const pdus = this.sent.filter((one) => one.server === server).flatMap((one) => one.pdus);
    this.sent.splice(0, this.sent.length, ...this.sent.filter((one) => one.server !== server));
    return pdus.map(({ type, content }) => asString((content as JsonObject).body) ?? asString(type) ?? '');
  }
}

async function openSending(world: World, others: Others) {
  const { database, clock, random, background, names, stream, heads, events, partialStates, signer } = world;
  const destinations = new Destinations(clock, random, { minMs: 1_000, maxMs: 60_000 }, silentLog);
  others.fail = (server) => destinations.failed(server, clock.elapsed(), 'no connection');
  const roomServers = new RoomServers(database);
  const sending = createSending(
    { database, clock, random, log: silentLog, background, metrics: noMetrics },
    { base: { database, names, stream, clock, random, background }, rooms: world },
    {
      client: others,
      destinations,
      rooms: {
        pdus: { names, events, signer },
        servers: new ServersInRooms({ heads, names, roomServers }, { partialStates, peeks: NO_PEEKS }, 'test.local'),
        roomServers,
      },
      peeking: await PeekingServers.open(database, clock),
      serverName: 'test.local',
    },
  );
  return { sending, destinations };
}

describe.each(engines)('the sending of events on $name', (engine) => {
  let world: World;
  let others: Others;
  let sending: Awaited<ReturnType<typeof openSending>>['sending'];
  let destinations: Destinations;
  let alice: Person;

  beforeEach(async () => {
    world = await openWorld(engine);
    others = new Others();
    ({ sending, destinations } = await openSending(world, others));
    await sending.start();
    alice = await world.person();
  });
  afterEach(async () => {
    await sending.close();
    await world.end();
    expect(world.faults).toEqual([]);
  });

  /** Lets the events that wait be sent, also those that wait for the end of the interval between transactions. */
  async function settled(): Promise<void> {
    const settledNow = () => settledAt(() => others.sent.length);
    await settledNow();
    for (let i = 0; i < 3; i += 1) await world.clock.pass(50);
    await settledNow();
  }

  /** Adds users of other servers to a room. */
  async function addStrangers(head: Head, ...userIds: string[]): Promise<Person[]> {
    const people: Person[] = [];
    for (const userId of userIds) {
      const person = { userId, user: await storedName(world.database, world.names, userId), device: 0, isGuest: false };
      await world.joining.join(head, person);
      await world.database.commit(
        new RoomServers(world.database).insert(userId.slice(userId.indexOf(':') + 1), head.num),
      );
      people.push(person);
    }
    // Earlier events go to the servers that are in the room when they are distributed.
    await settled();
    others.sent.length = 0;
    return people;
  }

  /** Starts the sending again on the same database, after a kill or after it was closed. */
  async function restart(): Promise<void> {
    const again = await reopenWorld(world);
    const before = world;
    world = { ...again, end: () => before.end() };
    ({ sending, destinations } = await openSending(world, others));
    await sending.start();
    await settled();
  }

  test('events go to each server in the room in order, and events of rooms without other servers go nowhere', async () => {
    const head = await world.room(alice);
    await addStrangers(head, '@bob:b.example', '@carol:c.example');
    const alone = await world.room(alice);
    const messages = await Promise.all(Array.from({ length: 120 }, (_, n) => world.say(alice, head, `${n}`)));
    await world.say(alice, alone, 'alone');
    await settled();
    const bodies = textsOf(messages.toSorted((a, b) => a.num - b.num));
    expect(others.taken('b.example')).toEqual(bodies);
    expect(others.taken('c.example')).toEqual(bodies);
    expect(others.sent).toEqual([]);
  });

  test('events of users of other servers are sent only if this server passes them on, and not to their own server', async () => {
    const head = await world.room(alice);
    const [bob] = await addStrangers(head, '@bob:b.example', '@carol:c.example');
    if (bob === undefined) throw new Error('there must be one');
    const event = await world.say(bob, head, 'from b');
    await settled();
    expect(others.sent).toEqual([]);
    await sending.alsoSend(event);
    await settled();
    expect(others.taken('c.example')).toEqual(['from b']);
    await sending.alsoSend(event);
    await settled();
    expect(others.sent).toEqual([]);
    expect(await world.database.all(selectEvent)).toHaveLength(1);
  });

  test('an own event is sent again to all servers in the room as often as that is asked for', async () => {
    const head = await world.room(alice);
    await addStrangers(head, '@bob:b.example');
    const event = await world.say(alice, head, 'again');
    for (let i = 0; i < 2; i += 1) await sending.sendAgain([event]);
    await settled();
    expect(others.taken('b.example')).toEqual(['again', 'again', 'again']);
  });

  test('a kick reaches the server of the user, although it has left the room', async () => {
    const head = await world.room(alice);
    const [bob] = await addStrangers(head, '@bob:b.example');
    if (bob === undefined) throw new Error('there must be one');
    await world.joining.kick(head, alice, bob.userId);
    await world.say(alice, head, 'without b');
    await settled();
    expect(others.taken('b.example')).toEqual(['m.room.member']);
  });

  test('all events of a short outage arrive in order', async () => {
    const head = await world.room(alice);
    await addStrangers(head, '@bob:b.example');
    others.down.add('b.example');
    for (let n = 0; n < 5; n += 1) await world.say(alice, head, `${n}`);
    await settled();
    others.down.clear();
    destinations.alive('b.example');
    await settled();
    expect(others.taken('b.example')).toEqual(['0', '1', '2', '3', '4']);
  });

  test('a server that was late when this one was killed gets the newest event of each room, then new ones', async () => {
    const rooms = [await world.room(alice), await world.room(alice), await world.room(alice)];
    const [first, second, third] = rooms;
    if (first === undefined || second === undefined || third === undefined) throw new Error('there must be three');
    for (const head of rooms) await addStrangers(head, '@bob:b.example', '@carol:c.example');
    others.down.add('b.example');
    await world.say(alice, first, 'first 1');
    await world.say(alice, second, 'second 1');
    await settled();
    await world.clock.pass(100_000);
    world.clock.skip(7_200_000);
    await world.clock.pass(31_000);
    expect(await world.database.all(selectLate)).toEqual([{ server: 'b.example' }]);
    await world.say(alice, first, 'first 2');
    await world.joining.kick(third, alice, '@bob:b.example');
    await settled();
    // The process is killed: nothing more is stored.
    others.taken('c.example');
    sending.sender.close();
    await restart();
    others.down.clear();
    destinations.alive('b.example');
    await settled();
    expect(others.taken('b.example').toSorted()).toEqual(['first 2', 'm.room.member', 'second 1']);
    await world.say(alice, await world.heads.get(first.roomId), 'first 3');
    await settled();
    expect(others.taken('b.example')).toEqual(['first 3']);
    await world.clock.pass(60_000);
    expect(await world.database.all(selectLate)).toEqual([]);
  });

  test('events since the last stored position are sent again after a kill, and none after a regular end', async () => {
    const head = await world.room(alice);
    await addStrangers(head, '@bob:b.example');
    await world.say(alice, head, '1');
    await settled();
    await world.clock.pass(40_000);
    await world.say(alice, head, '2');
    await settled();
    expect(others.taken('b.example')).toEqual(['1', '2']);
    sending.sender.close();
    await restart();
    expect(others.taken('b.example')).toEqual(['2']);
    await sending.close();
    await restart();
    expect(others.taken('b.example')).toEqual([]);
    await world.say(alice, await world.heads.get(head.roomId), '3');
    await settled();
    expect(others.taken('b.example')).toEqual(['3']);
  });

  test('a server that has not answered for ten minutes gets the newest event of each room, then new ones', async () => {
    const head = await world.room(alice);
    await addStrangers(head, '@bob:b.example');
    others.down.add('b.example');
    await world.say(alice, head, 'tried');
    await settled();
    for (let n = 1; n <= 5; n += 1) await world.say(alice, head, `${n}`);
    world.clock.skip(660_000);
    await world.clock.pass(31_000);
    for (let n = 6; n <= 10; n += 1) await world.say(alice, head, `${n}`);
    others.down.clear();
    destinations.alive('b.example');
    await settled();
    await world.say(alice, head, 'last');
    await settled();
    // The transaction that was not accepted is repeated first.
    expect(others.taken('b.example')).toEqual(['tried', '10', 'last']);
  });
});
