import { slidingSync as slidingSyncEndpoint } from '@hearth/api/client/sliding-sync/sync.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { parseFilter } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { type Text, wholeText } from '../../src/platform/long-text.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { ROOMS_AT_ONCE } from '../../src/sync/render/room-batches.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type Person, reopenWorld, type World } from '../support/world.ts';

/** Returns the same database with a record of its queries. */
function counting(database: Database) {
  let asked: string[] = [];
  const counted: Database = {
    dialect: database.dialect,
    isExclusive: database.isExclusive,
    all: (statement, ...values) => {
      asked.push(statement.text);
      return database.all(statement, ...values);
    },
    first: (statement, ...values) => {
      asked.push(statement.text);
      return database.first(statement, ...values);
    },
    commit: (writes) => database.commit(writes),
    close: () => database.close(),
  };
  /** Returns the queries since the last call. */
  const queries = () => {
    const all = asked;
    asked = [];
    return all.toSorted((a, b) => a.localeCompare(b));
  };
  return { counted, queries };
}

/** Creates a user with a number of rooms that have changes of every kind. */
async function userInRooms(world: World, rooms: number): Promise<Person> {
  const [alice, bob] = [await world.person(), await world.person()];
  for (let i = 0; i < rooms; i++) {
    const head = await world.room(alice, { preset: 'public_chat', ...(i % 3 === 0 ? {} : { name: `Room ${i}` }) });
    await world.joining.join(head, bob);
    await world.setState(alice, head, 'm.room.topic', { topic: 'first' });
    await world.setState(alice, head, 'm.room.topic', { topic: 'second' });
    const read = await world.say(alice, head, 'read');
    const root = await world.say(alice, head, `hello ${bob.userId}`);
    const gone = await world.say(alice, head, 'gone');
    await world.receipts.send(bob, head.roomId, 'm.read', read.eventId);
    const relatesTo = (rel_type: string) => ({ 'm.relates_to': { rel_type, event_id: root.eventId } });
    await world.say(bob, head, { msgtype: 'm.text', body: 'reply', ...relatesTo('m.thread') });
    const edited = { msgtype: 'm.text', body: '* edited', 'm.new_content': { msgtype: 'm.text', body: 'edited' } };
    await world.say(alice, head, { ...edited, ...relatesTo('m.replace') });
    await world.redact(alice, head, gone.eventId);
    const sending = { sender: bob, transaction: { device: bob.device, txn: `send ${i}` } };
    await world.sender.message(head.roomId, 'm.room.message', { msgtype: 'm.text', body: 'own' }, sending);
    const inviting = await world.person();
    await world.room(inviting, { preset: 'private_chat', name: `Invitation ${i}`, invite: [bob.userId] });
  }
  return bob;
}

const firstSync = (filter: JsonObject) => async (world: World, person: Person) => {
  const request = { ...person, since: undefined, fullState: false, stateAfter: undefined, filter: parseFilter(filter) };
  return world.sync.respond({ ...request, presence: 'offline', timeoutMs: 0, cancellation: never });
};

const slidingFirst = async (world: World, { user, userId, device }: Person) => {
  const required_state = [
    ['m.room.topic', ''],
    ['m.room.member', '$LAZY'],
  ];
  const body = { lists: { all: { ranges: [[0, 99]], timeline_limit: 10, required_state } } };
  const request = { user, userId, device, pos: undefined, presence: 'offline', timeoutMs: 0 } as const;
  const answer = await world.slidingSync.respond({
    ...request,
    body: v.parse(slidingSyncEndpoint.body, body),
    cancellation: never,
  });
  // The position of the client differs, because its connection has another number each time.
  return (await wholeText(answer)).replace(/"pos":"[^"]*"/, '"pos":""');
};

function never(): Cancellation {
  return new Cancellation();
}

type Ask = (world: World, person: Person) => Promise<Text>;

/** Returns the queries after a restart for the same answer as before, about a number of rooms. */
async function askedAfterRestart(ask: Ask, rooms: number): Promise<string[]> {
  const world = await openWorld(sqlite);
  try {
    const person = await userInRooms(world, rooms);
    const before = await wholeText(await ask(world, person));
    const { counted, queries } = counting(world.database);
    const reopened = await reopenWorld({ ...world, database: counted });
    queries();
    // The stream continues at a higher position.
    const numbered = (text: string) => text.replaceAll(`"s${reopened.stream.current}"`, `"s${world.stream.current}"`);
    expect(numbered(await wholeText(await ask(reopened, person)))).toBe(before);
    return queries();
  } finally {
    await world.end();
  }
}

const answers: [string, Ask][] = [
  ['a first sync', firstSync({})],
  ['a first sliding sync', slidingFirst],
  ['a first sync with lazy members', firstSync({ room: { state: { lazy_load_members: true } } })],
  [
    '/initialSync',
    (world, { user, device }) => world.initialSync.respond({ user, device, limit: 20, archived: false }),
  ],
];

test.each(answers)(
  '%s returns the same after a restart, with as many queries for twelve rooms as for three',
  async (_, ask) => {
    expect(await askedAfterRestart(ask, 12)).toEqual(await askedAfterRestart(ask, 3));
  },
);

test.each(answers)('%s with more rooms than one batch repeats only the queries of one batch', async (_, ask) => {
  const few = await askedAfterRestart(ask, 3);
  // Each room has an invitation beside it, so that there are more than a hundred rooms, which make three batches.
  expect((await askedAfterRestart(ask, ROOMS_AT_ONCE + 3)).length).toBeLessThanOrEqual(3 * few.length);
});
