import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, Fenced } from '../../src/storage/engine/database.ts';
import { Names } from '../../src/storage/engine/names.ts';
import { AliasStore } from '../../src/storage/rooms/alias-store.ts';
import { AggregationStore } from '../../src/storage/rooms/events/aggregation-store.ts';
import { EventStore } from '../../src/storage/rooms/events/event-store.ts';
import { RelationStore } from '../../src/storage/rooms/events/relation-store.ts';
import { STANDING, StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { TimelineStore } from '../../src/storage/rooms/events/timeline-store.ts';
import { TransactionStore } from '../../src/storage/rooms/events/transaction-store.ts';
import { type Membership, MembershipStore } from '../../src/storage/rooms/membership-store.ts';
import { type RoomRow, RoomStore } from '../../src/storage/rooms/room-store.ts';
import type { NodeRef } from '../../src/storage/state/state-node.ts';
import { StateStore } from '../../src/storage/state/state-store.ts';
import { emptyState, entries, type NewNode, withEntry } from '../../src/storage/state/state-tree.ts';
import { storedName } from '../support/stored-name.ts';
import { engines } from './engines.ts';

describe.each(engines)('stores, on $name', (engine) => {
  let database: Database;
  let names: Names;
  let end: () => Promise<void>;
  let last = 1_000;
  beforeAll(async () => {
    ({ database, end } = await engine.open());
    names = await Names.open(database);
  });
  afterAll(() => end());

  const openStores = () => {
    const states = new StateStore(database);
    return { states, events: new EventStore(database, names), rooms: new RoomStore(database, states) };
  };
  const memberships = () => new MembershipStore(database);
  const next = () => {
    last += 1;
    return last;
  };
  const roomRow = (num: number, root: NodeRef = emptyState()): RoomRow => ({
    num,
    version: '10',
    fence: 0,
    seq: 0,
    lastEvent: 0,
    depth: 0,
    snapshot: 0,
    root,
    extremities: [],
    joined: 0,
    invited: 0,
    published: false,
  });
  const newRoom = async (): Promise<RoomRow> => {
    const row = roomRow(await storedName(database, names, `!room${next()}:x`));
    await database.commit([openStores().rooms.insert(row)]);
    return row;
  };
  const proof = {
    prev: [1, 2],
    auth: [3],
    contentHash: new Uint8Array(32).fill(7),
    signingKey: 1,
    signature: new Uint8Array(64).fill(9),
  };
  const newEvent = async (
    room: number,
    seq: number | null,
    given: { ts?: number; sender?: string; stateKey?: number } = {},
  ) => {
    const num = next();
    const sender = given.sender ?? '@alice:x';
    const fields = {
      num,
      eventId: `$${Buffer.from(String(num).padStart(32, '0')).toString('base64url')}`,
      room,
      roomId: await names.text(room),
      seq,
      typeNum: await storedName(database, names, 'm.room.message'),
      type: 'm.room.message',
      senderNum: await storedName(database, names, sender),
      sender,
      stateKeyNum: given.stateKey ?? null,
      stateKey: given.stateKey === undefined ? undefined : '',
      ts: given.ts ?? num,
      depth: seq ?? 1,
      standing: seq === null ? STANDING.outlier : STANDING.accepted,
      snapshot: 0,
      graphSnapshot: null,
      after: null,
      replaces: null,
      extra: null,
    };
    return new StoredEvent(fields, '{"body":"ü"}', null);
  };
  const fill = async (count: number) => {
    const { events, rooms } = openStores();
    const row = await newRoom();
    const list: StoredEvent[] = [];
    for (let seq = 1; seq <= count; seq += 1) list.push(await newEvent(row.num, seq));
    const moved = { ...row, seq: count, lastEvent: list.at(-1)?.num ?? 0 };
    await database.commit([rooms.advance(moved, 0), ...list.map((event) => events.insert(event, proof))]);
    return { room: row.num, list, nums: list.map(({ num }) => num) };
  };

  test('events are found by number and by id, also without what is in memory', async () => {
    const { list, nums } = await fill(3);
    const { events } = openStores();
    expect(await events.list([nums[2] ?? 0, 9, nums[0] ?? 0])).toEqual([list[2], list[0]]);
    const id = list[1]?.eventId ?? '';
    expect((await openStores().events.byId(id))?.num).toBe(nums[1]);
    expect(await events.byId('$nothing')).toBeUndefined();
    expect(await events.numsOf([id, '$nothing'])).toEqual(new Map([[id, nums[1]]]));
    expect((await events.proofs(nums)).get(nums[0] ?? 0)).toEqual(proof);
  });

  test('an event that waits for the disk stays in memory, whatever else is read', async () => {
    const { room, nums } = await fill(6);
    const events = new EventStore(database, names, { state: 2, messages: 2 });
    const waiting = await newEvent(room, null);
    const write = events.insert(waiting, proof);
    for (const num of nums) await events.one(num);
    expect(events.cached(waiting.num)).toBe(waiting);
    expect(await events.list([waiting.num])).toEqual([waiting]);
    await database.commit([write]);
    events.stored([waiting]);
    for (const num of nums) await events.one(num);
    expect(events.cached(waiting.num)).toBeUndefined();
    expect((await events.one(waiting.num))?.eventId).toBe(waiting.eventId);
  });

  test('the edges of an event are found whose commit ends while they are read', async () => {
    const { room } = await fill(1);
    const ended = Promise.withResolvers<void>();
    // The query sees the database as it was before the commit.
    const slow: Database = {
      ...database,
      all: async (statement, ...values) => {
        const rows = await database.all(statement, ...values);
        await ended.promise;
        return rows as never;
      },
    };
    const events = new EventStore(slow, names);
    const waiting = await newEvent(room, null);
    const write = events.insert(waiting, proof);
    const [found, auth] = [events.proofs([waiting.num]), events.authNums([waiting.num])];
    await database.commit([write]);
    events.stored([waiting]);
    ended.resolve();
    expect((await found).get(waiting.num)).toEqual(proof);
    expect((await auth).get(waiting.num)).toEqual(proof.auth);
  });

  test('messages do not evict state events from memory', async () => {
    const { room, nums: messages } = await fill(6);
    const events = new EventStore(database, names, { state: 2, messages: 2 });
    const topic = await newEvent(room, 7, { stateKey: await storedName(database, names, '') });
    await database.commit([events.insert(topic, proof)]);
    events.stored([topic]);
    for (const num of messages) await events.one(num);
    expect(messages.filter((num) => events.cached(num) !== undefined)).toHaveLength(2);
    expect(events.cached(topic.num)).toBe(topic);
  });

  test('a redacted event is another in memory only once it is stored', async () => {
    const { list, nums } = await fill(1);
    const { events } = openStores();
    const [event] = await events.list(nums);
    if (event === undefined) throw new Error('there is one');
    const { write, redacted } = events.redact(event, 77, '{}');
    expect((await events.one(event.num))?.redactedBy).toBeNull();
    await database.commit([write]);
    events.replace(redacted);
    for (const store of [events, openStores().events]) {
      expect(await store.one(event.num)).toMatchObject({
        redactedBy: 77,
        contentText: '{}',
        eventId: list[0]?.eventId,
      });
    }
  });

  test('states are read as they were written, by snapshot, with as many keys as wanted', async () => {
    const created: NewNode[] = [];
    let root = emptyState();
    for (let key = 1; key <= 200; key += 1) root = withEntry(root, { type: 1, stateKey: key, event: key + 5 }, created);
    const { states } = openStores();
    const num = next();
    await database.commit(states.snapshotWrites(num, 1, root, created));
    const fresh = openStores().states;
    const read = (await fresh.snapshots([num, 0, 999_999])).get(num);
    if (read === undefined) throw new Error('the snapshot is there');
    expect(read.hash).toBe(root.hash);
    const keys = [
      { type: 1, stateKey: 7 },
      { type: 1, stateKey: 200 },
      { type: 2, stateKey: 7 },
    ];
    expect(await fresh.lookupMany([read, emptyState()], keys)).toEqual([
      [12, 205, undefined],
      [undefined, undefined, undefined],
    ]);
    await fresh.loadAll([read]);
    expect(entries(read)).toHaveLength(200);
  });

  test('more of states than stays in memory is read at once', async () => {
    const roots = Array.from({ length: 30 }, (_, i) => {
      const created: NewNode[] = [];
      const num = next();
      return { num, root: withEntry(emptyState(), { type: 1, stateKey: 1, event: i }, created), created };
    });
    const { states } = openStores();
    await database.commit(roots.flatMap(({ num, root, created }) => states.snapshotWrites(num, 1, root, created)));
    const fresh = new StateStore(database, 10);
    const read = await fresh.snapshots(roots.map(({ num }) => num));
    const found = await fresh.lookupMany([...read.values()], [{ type: 1, stateKey: 1 }]);
    expect(found.flat().sort((a = 0, b = 0) => a - b)).toEqual(roots.map((_, i) => i));
  });

  test('a room moves on from where it is, and from nowhere else', async () => {
    const { rooms } = openStores();
    const row = await newRoom();
    const moved = { ...row, seq: 1, lastEvent: 5, depth: 1, extremities: [5, 300], joined: 1, invited: 2 };
    await database.commit([rooms.advance(moved, 0)]);
    await expect(database.commit([rooms.advance({ ...moved, seq: 9 }, 0)])).rejects.toBeInstanceOf(Fenced);
    await database.commit([rooms.publish(row.num, true)]);
    const [read] = await rooms.load([row.num]);
    expect(read).toMatchObject({ ...moved, root: { hash: row.root.hash }, fence: 1, published: true });
    expect(await rooms.published()).toContain(row.num);
    expect(await rooms.changedSince([row.num], 4)).toEqual([row.num]);
    expect(await rooms.changedSince([row.num], 5)).toEqual([]);
  });

  test('memberships by user, and who has joined; a new one is not forgotten', async () => {
    const store = memberships();
    const put = (user: number, room: number, membership: Membership, event: number) =>
      store.put({ user, room, membership, event, position: event });
    const [room, other] = [(await newRoom()).num, (await newRoom()).num];
    const [a, b, c] = [
      await storedName(database, names, '@a:x'),
      await storedName(database, names, '@b:x'),
      await storedName(database, names, '@c:x'),
    ];
    await database.commit([
      put(a, room, 'join', 1),
      put(b, room, 'invite', 2),
      put(c, room, 'leave', 3),
      put(a, other, 'ban', 4),
      store.forget(a, other),
    ]);
    expect(await store.joined([room, other])).toEqual(
      new Map([
        [room, [a]],
        [other, []],
      ]),
    );
    expect(new Map((await store.ofUser(a)).map((row) => [row.room, row]))).toEqual(
      new Map([
        [room, { user: a, room, membership: 'join', event: 1, position: 1, forgotten: false }],
        [other, { user: a, room: other, membership: 'ban', event: 4, position: 4, forgotten: true }],
      ]),
    );
    const called = async (limit: number, ...rooms: number[]) => [...(await store.present(rooms, limit)).values()];
    expect([await called(5, room, other), await called(1, room)]).toEqual([[[a, b], []], [[a]]]);
    expect(await store.gone(room, a, 5)).toEqual([c]);
    await database.commit([put(b, room, 'leave', 6), put(a, other, 'join', 7)]);
    expect([await called(5, room), await store.gone(room, b, 5)]).toEqual([[[a]], [c]]);
    expect((await store.ofUser(a)).find((row) => row.room === other)).toMatchObject({ event: 7, forgotten: false });
  });

  test('a membership changes at its position, and stays there while its event is the current one', async () => {
    const store = memberships();
    const room = (await newRoom()).num;
    const [a, b, c] = [
      await storedName(database, names, '@a:here.test'),
      await storedName(database, names, '@b:here.test'),
      await storedName(database, names, '@c:there.test'),
    ];
    const put = (user: number, membership: Membership, event: number, position: number) =>
      database.commit([store.put({ user, room, membership, event, position })]);
    await put(a, 'leave', 5, 5);
    await put(b, 'leave', 6, 6);
    await put(c, 'join', 7, 7);
    await put(a, 'join', 1, 8);
    expect(await store.moved([room], 7)).toEqual([
      { user: a, room, membership: 'join', event: 1, position: 8, forgotten: false },
    ]);
    await put(a, 'join', 1, 9);
    expect(await store.moved([room], 8)).toEqual([]);
    expect([...(await store.present([room], 5)).values()]).toEqual([[c, a]]);
    const ofServer = async (server: string) => (await store.ofServer(room, server)).toSorted((x, y) => x.user - y.user);
    expect(await ofServer('here.test')).toEqual([
      { user: a, membership: 'join', position: 8 },
      { user: b, membership: 'leave', position: 6 },
    ]);
    expect(await ofServer('there.test')).toEqual([{ user: c, membership: 'join', position: 7 }]);
    expect(await ofServer('test')).toEqual([]);
  });

  test('reads ranges, latest events, positions and times of timelines', async () => {
    const timelines = new TimelineStore(database);
    const { room, nums, list } = await fill(6);
    const one = await fill(2);
    const page = (after: number, upTo: number, backwards: boolean, limit = 10) =>
      timelines.page({ room, after, upTo }, backwards, limit);
    expect(await page(0, 6, false, 2)).toEqual(nums.slice(0, 2));
    expect(await page(2, 5, true)).toEqual(nums.slice(2, 5).reverse());
    expect(await timelines.latest([room, one.room, 999], 2)).toEqual(
      new Map([
        [room, nums.slice(-2)],
        [one.room, one.nums],
        [999, []],
      ]),
    );
    expect((await timelines.latest([room], 5, nums[4])).get(room)).toEqual(nums.slice(-1));
    expect(await timelines.after([room, one.room], nums[4] ?? 0, 2)).toEqual([nums[5], one.nums[0]]);
    expect(await timelines.seqAt(room, nums[2] ?? 0)).toBe(3);
    expect(await timelines.seqAt(room, 0)).toBe(0);
    expect(await timelines.lastAt([room, one.room], nums[3] ?? 0)).toEqual(new Map([[room, nums[3]]]));
    const ts = list[3]?.ts ?? 0;
    expect(await timelines.closest(room, ts, 'f')).toBe(nums[3]);
    expect(await timelines.closest(room, ts, 'b')).toBe(nums[3]);
    expect(await timelines.closest(room, ts + 10_000, 'f')).toBeUndefined();
    expect(await timelines.closest(room, ts + 10_000, 'b')).toBe(nums[5]);
  });

  test('a child that is stored while what relates to its parent is added up counts once', async () => {
    const relations = new RelationStore(database);
    const { events } = openStores();
    // Which ways there are comes at once, what has been counted when the gate is opened.
    const [gate, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow: Database = Object.create(database);
    slow.all = async <Row>(...query: Parameters<Database['all']>): Promise<Row[]> => {
      const rows = await database.all<Row>(...query);
      if (!query[0].text.includes('count')) return rows;
      read.resolve();
      await gate.promise;
      return rows;
    };
    const aggregations = new AggregationStore(slow, names, events);
    const { room, nums } = await fill(4);
    const [parent, first, second, third] = await events.list(nums);
    if (parent === undefined || third === undefined) throw new Error('events are missing');
    const relType = await storedName(database, names, 'm.thread');
    const store = ({ num = 0 }: Partial<StoredEvent> = {}) =>
      database.commit(relations.insert({ parent: parent.num, relType, child: num }, room));
    const counted = () => parent.aggregations?.thread(0, new Set())?.count;
    await store(first);
    const looking = aggregations.lookUp([parent]);
    await read.promise;
    await store(second);
    if (second !== undefined) aggregations.added(second, 'm.thread', parent.num);
    gate.resolve();
    await looking;
    expect(counted()).toBe(2);
    // Read before its commit was announced.
    if (second !== undefined) aggregations.added(second, 'm.thread', parent.num);
    expect(counted()).toBe(2);
    await store(third);
    aggregations.added(third, 'm.thread', parent.num);
    expect(counted()).toBe(3);
    // A redaction that is on disk, and announced after it was read.
    if (first === undefined) throw new Error('the first is missing');
    const { write, redacted } = events.redact(first, next(), '{}');
    await database.commit([write]);
    parent.aggregations = undefined;
    await aggregations.lookUp([parent]);
    expect(counted()).toBe(2);
    aggregations.removed(redacted, 'm.thread', parent.num);
    expect(counted()).toBe(2);
  });

  test('relations: by parent, by sender, in pages; threads by their latest reply', async () => {
    const relations = new RelationStore(database);
    const { room, nums } = await fill(6);
    const [root = 0, other = 0, ...children] = nums;
    const [relType, type, sender] = [
      await storedName(database, names, 'm.thread'),
      await storedName(database, names, 'm.room.message'),
      await storedName(database, names, '@alice:x'),
    ];
    await database.commit(children.flatMap((child) => relations.insert({ parent: root, relType, child }, room)));
    const again = relations.insert({ parent: root, relType, child: children[0] ?? 0 });
    await database.commit(again);
    expect(await relations.ways([root, other])).toEqual([{ parent: root, relType, sender }]);
    expect(await relations.bySender(root, { relType, type, sender })).toHaveLength(children.length);
    const range = { after: children[0] ?? 0, before: children[3] ?? 0, limit: 5 };
    expect(await relations.page([root], { relType }, { ...range, backwards: false })).toEqual(children.slice(1, 3));
    expect(await relations.page([root], { type }, { ...range, backwards: true, limit: 1 })).toEqual([children[2]]);
    expect(await relations.page([root], { type: 1 }, { ...range, backwards: false })).toEqual([]);
    const latest = children.at(-1) ?? 0;
    expect(await relations.threads(room, latest + 1, 5)).toEqual([{ root, latest }]);
    expect(await relations.threads(room, latest, 5)).toEqual([]);
  });

  test('transaction ids, by device, until they are too old', async () => {
    const transactions = new TransactionStore(database);
    await database.commit([
      transactions.insert(1, 'a', 10, 100),
      transactions.insert(1, 'b', 11, 200),
      transactions.insert(2, 'a', 12, 300),
    ]);
    await expect(database.commit([transactions.insert(1, 'a', 13, 400)])).rejects.toThrow();
    expect(await transactions.find(2, 'a')).toBe(12);
    expect(await transactions.ofEvents([10, 12, 14])).toEqual(
      new Map([
        [10, { device: 1, txn: 'a' }],
        [12, { device: 2, txn: 'a' }],
      ]),
    );
    await transactions.expire(200);
    expect([await transactions.find(1, 'a'), await transactions.find(1, 'b')]).toEqual([undefined, 11]);
  });

  test('aliases', async () => {
    const aliases = new AliasStore(database);
    await database.commit([aliases.insert('#b:x', 5, 1), aliases.insert('#a:x', 5, 2)]);
    await expect(database.commit([aliases.insert('#a:x', 6, 2)])).rejects.toThrow();
    expect(await aliases.find('#a:x')).toEqual({ alias: '#a:x', room: 5, creator: 2 });
    expect((await aliases.ofRoom(5)).map(({ alias }) => alias)).toEqual(['#a:x', '#b:x']);
    await database.commit([aliases.remove('#a:x')]);
    await expect(database.commit([aliases.remove('#a:x')])).rejects.toThrow(Fenced);
    expect(await aliases.find('#a:x')).toBeUndefined();
  });
});
