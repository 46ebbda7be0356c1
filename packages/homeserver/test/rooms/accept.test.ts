import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Basis } from '../../src/rooms/events/basis.ts';
import type { Head } from '../../src/rooms/head.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, textsOf, type World } from '../support/world.ts';

describe.each(engines)('accepting events, on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  const alone = async () => {
    const alice = await world.person();
    return { alice, head: await world.room(alice) };
  };
  /** The rooms as another process on the same database would hold them. */
  const elsewhere = () => world.reopenRooms();
  const message = (sender: string, body: string) => ({ type: 'm.room.message', sender, content: { body } });
  const storedTexts = async (room: number) => {
    const fresh = await elsewhere();
    const [row] = await fresh.rooms.load([room]);
    const nums = await fresh.timelines.page({ room, after: 0, upTo: row?.seq ?? 0 }, false, 100);
    return textsOf(await fresh.events.list(nums)).filter((text) => !text.startsWith('m.'));
  };

  test('events that are sent at once get their places in the order of the calls', async () => {
    const { alice, head } = await alone();
    const bodies = Array.from({ length: 20 }, (_, i) => `message ${i}`);
    // From then on nothing has to be loaded, so that the order of queries does not matter.
    await world.say(alice, head, 'first');
    const events = await Promise.all(bodies.map((body) => world.say(alice, head, body)));
    const seqs = events.map(({ seq }) => seq ?? 0);
    expect(seqs).toEqual(seqs.map((_, i) => (seqs[0] ?? 0) + i));
    expect(events.map(({ depth }) => depth)).toEqual(seqs);
    expect(await storedTexts(head.num)).toEqual(['first', ...bodies]);
  });

  test('a writer with a stale head is fenced off and decides again', async () => {
    const { alice, head } = await alone();
    const other = await elsewhere();
    const stale = await other.heads.get(head.roomId);
    await world.say(alice, head, 'first');
    const [late] = await other.acceptor.accept(stale, [message(alice.userId, 'late')]);
    expect(await storedTexts(head.num)).toEqual(['first', 'late']);
    const again = await world.say(alice, head, 'stale too');
    expect(await storedTexts(head.num)).toEqual(['first', 'late', 'stale too']);
    expect((await world.events.proofs([again.num])).get(again.num)?.prev).toEqual([late?.num]);
  });

  test('when a commit fails the events decided after it are decided again without it', async () => {
    const { alice, head } = await alone();
    const taken = world.transactions.insert(head.num, 'taken', head.num, 0);
    const broken = { with: [taken, taken] };
    await world.say(alice, head, 'first');
    const outcomes = await Promise.allSettled([
      world.acceptor.accept(head, [message(alice.userId, 'good')]),
      world.acceptor.accept(head, [message(alice.userId, 'broken')], broken),
      world.acceptor.accept(head, [message(alice.userId, 'after it')]),
      world.acceptor.accept(head, [message(alice.userId, 'also after it')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    const texts = await storedTexts(head.num);
    expect(texts.slice(0, 2)).toEqual(['first', 'good']);
    // Both are decided again at the same time, so that either may be the first.
    expect(texts.slice(2).sort()).toEqual(['after it', 'also after it'].sort());
    const [last] = await world.timelines.latest([head.num], 1).then((latest) => latest.get(head.num) ?? []);
    const next = await world.say(alice, head, 'recovered');
    expect((await world.events.proofs([next.num])).get(next.num)?.prev).toEqual([last]);
  });

  /** A room whose head has decided on a topic that was not stored. */
  const withLostTopic = async () => {
    const { alice, head } = await alone();
    const taken = world.transactions.insert(head.num, 'taken', head.num, 0);
    const topic = { type: 'm.room.topic', stateKey: '', sender: alice.userId, content: { topic: 'lost' } };
    const { seq } = head.row;
    await expect(world.acceptor.accept(head, [topic], { with: [taken, taken] })).rejects.toThrow();
    return { alice, head, seq };
  };

  test('a head whose commit has failed shows what is stored to requests that still hold it', async () => {
    const { head, seq } = await withLostTopic();
    expect(await head.state('m.room.topic')).toBeUndefined();
    expect(head.row.seq).toBe(seq);
    expect(head.numsAfter(seq)).toEqual([]);
  });

  test('an event that is sent on a head whose commit has failed is stored on the current head', async () => {
    const { alice, head } = await withLostTopic();
    const topic = { type: 'm.room.topic', stateKey: '', sender: alice.userId, content: { topic: 'found' } };
    await world.acceptor.accept(head, [topic, message(alice.userId, 'here')]);
    const current = await world.heads.byNum(head.num);
    expect(current).not.toBe(head);
    expect((await current?.state('m.room.topic'))?.content.topic).toBe('found');
    expect(await storedTexts(head.num)).toEqual(['here']);
  });

  test('a decision is repeated on the current head until its basis holds', async () => {
    const { alice, head } = await alone();
    const heads: Head[] = [];
    const event = await world.acceptor.untilAccepted(head, async (current) => {
      heads.push(current);
      const basis = new Basis([[['m.room.topic', ''], await current.state('m.room.topic')]]);
      if (heads.length === 1) {
        const topic = { type: 'm.room.topic', stateKey: '', sender: alice.userId, content: { topic: 'between' } };
        await world.acceptor.accept(current, [topic]);
        world.heads.drop(current);
      }
      const [accepted] = await world.acceptor.accept(current, [message(alice.userId, 'here')], { basis });
      return accepted;
    });
    expect(heads).toHaveLength(2);
    expect(heads[1]).not.toBe(head);
    expect(event.content.body).toBe('here');
    expect(await storedTexts(head.num)).toEqual(['here']);
  });

  test('a batch with one refused event changes nothing', async () => {
    const { alice, head } = await alone();
    const stranger = await world.person();
    const { row, extremities } = head;
    const drafts = [
      { type: 'm.room.topic', stateKey: '', sender: alice.userId, content: { topic: 'new' } },
      message(alice.userId, 'fine'),
      message(stranger.userId, 'refused'),
    ];
    expect(await refusal(world.acceptor.accept(head, drafts))).toBe('M_FORBIDDEN');
    expect(head.row).toBe(row);
    expect(head.extremities).toBe(extremities);
    expect(await head.state('m.room.topic')).toBeUndefined();
    await world.say(alice, head, 'next');
    expect(await storedTexts(head.num)).toEqual(['next']);
  });

  test('an event of a batch is judged by those before it', async () => {
    const { alice, head } = await alone();
    const bob = await world.person();
    const join = { type: 'm.room.member', stateKey: bob.userId, sender: bob.userId, content: { membership: 'join' } };
    await world.acceptor.accept(head, [join, message(bob.userId, 'here')]);
    expect(head.joined).toEqual(new Set([alice.user, bob.user]));
    expect(head.row.joined).toBe(2);
  });

  test('a transaction id sends once, also when it is repeated at once, for each device', async () => {
    const { alice, head } = await alone();
    const send = (device: number, txn: string, body: string) =>
      world.sender.message(head.roomId, 'm.room.message', { body }, { sender: alice, transaction: { device, txn } });
    const [first, again] = await Promise.all([send(1, 't', 'once'), send(1, 't', 'once')]);
    expect(again.eventId).toBe(first.eventId);
    expect((await send(1, 't', 'other')).eventId).toBe(first.eventId);
    expect((await send(2, 't', 'other device')).eventId).not.toBe(first.eventId);
    expect(await storedTexts(head.num)).toEqual(['once', 'other device']);
    expect(await world.transactions.find(1, 't')).toBe(first.num);
    await world.transactions.expire(first.ts);
    expect(await world.transactions.find(1, 't')).toBe(first.num);
    await world.transactions.expire(first.ts + 1);
    expect(await world.transactions.find(1, 't')).toBeUndefined();
  });

  test('a redaction takes content, relation and membership details away for good', async () => {
    const { alice, head } = await alone();
    const root = await world.say(alice, head, 'root');
    const relatesTo = { rel_type: 'm.annotation', event_id: root.eventId, key: '1' };
    const reaction = await world.say(alice, head, { 'm.relates_to': relatesTo }, 'm.reaction');
    const all = { after: 0, before: Number.MAX_SAFE_INTEGER, backwards: false, limit: 10 };
    expect(await world.relations.page([root.num], {}, all)).toEqual([reaction.num]);
    await world.redact(alice, head, reaction.eventId);
    await world.redact(alice, head, root.eventId);
    expect(await world.relations.page([root.num], {}, all)).toEqual([]);
    const fresh = await (await elsewhere()).events.list([root.num, reaction.num]);
    expect(fresh.map(({ content }) => content)).toEqual([{}, {}]);
  });
});
