import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Notifications } from '../../src/push/notifications.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, textsOf, type World } from '../support/world.ts';

describe.each(engines)('the list of notifications, on $name', (engine) => {
  let world: World;
  let notifications: Notifications;
  beforeAll(async () => {
    world = await openWorld(engine);
    const postJson = () => Promise.reject(new Error('no network'));
    notifications = (await world.openPush({ postJson, mail: undefined })).notifications;
  });
  afterAll(() => world.end());

  const page = (person: Person, query: { from?: string; limit?: number; onlyHighlights?: boolean } = {}) =>
    notifications.page(world.readerOf(person), person.userId, { onlyHighlights: false, ...query });
  const texts = async (...args: Parameters<typeof page>) =>
    textsOf((await page(...args)).notifications.map(({ shown }) => shown.event));
  const open = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.say(alice, head, 'before anybody came');
    await world.joining.join(head, bob);
    return { alice, bob, head };
  };

  test('comes from all rooms, the latest first, and says what was read', async () => {
    const { alice, bob, head } = await open();
    const other = await world.room(alice);
    await world.joining.join(other, bob);
    const first = await world.say(alice, head, 'one');
    await world.say(alice, other, 'two');
    await world.say(bob, head, 'own');
    await world.setState(alice, head, 'm.room.topic', { topic: 'silent' });
    await world.say(alice, head, 'three');
    expect(await texts(bob)).toEqual(['three', 'two', 'one']);
    await world.receipts.send(bob, head.roomId, 'm.read', first.eventId);
    const { notifications } = await page(bob);
    expect(notifications.map(({ read }) => read)).toEqual([false, false, true]);
    expect(notifications[0]?.actions).toContain('notify');
    expect(await texts(alice)).toEqual(['own']);
  });

  test('is read once the user has answered in the same thread', async () => {
    const { alice, bob, head } = await open();
    const root = await world.say(alice, head, 'root');
    const reply = { msgtype: 'm.text', 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } };
    await world.say(alice, head, { ...reply, body: 'in the thread' });
    const read = async () =>
      (await page(bob)).notifications.map(({ shown, read }) => [shown.event.content.body, read] as const);
    await world.say(bob, head, 'answer');
    expect(await read()).toEqual([
      ['in the thread', false],
      ['root', true],
    ]);
    await world.say(bob, head, { ...reply, body: 'answer' });
    expect(await read()).toEqual([
      ['in the thread', true],
      ['root', true],
    ]);
  });

  test('can be only what was highlighted, and has nothing that was taken back', async () => {
    const { alice, bob, head } = await open();
    await world.say(alice, head, 'plain');
    await world.say(alice, head, `for ${bob.userId}`);
    const gone = await world.say(alice, head, `gone for ${bob.userId}`);
    await world.redact(alice, head, gone.eventId);
    expect(await texts(bob, { onlyHighlights: true })).toEqual([`for ${bob.userId}`]);
  });

  test('pages without gaps and doubles', async () => {
    const { alice, bob, head } = await open();
    const rooms = [head, await world.room(alice), await world.room(alice)];
    for (const room of rooms.slice(1)) await world.joining.join(room, bob);
    const expected: string[] = [];
    for (let i = 0; i < 60; i++) {
      await world.say(alice, rooms[(i * i) % 3] ?? head, `message ${i}`);
      expected.unshift(`message ${i}`);
    }
    const seen: string[] = [];
    let from: string | undefined;
    do {
      const { notifications, next } = await page(bob, { limit: 7, ...(from === undefined ? {} : { from }) });
      seen.push(...textsOf(notifications.map(({ shown }) => shown.event)));
      from = next;
    } while (from !== undefined);
    expect(seen).toEqual(expected);
    expect(await refusal(page(bob, { from: 'x' }))).toBe('M_INVALID_PARAM');
  });

  test('ends where one left, and has nothing of whom one ignores', async () => {
    const { alice, bob, head } = await open();
    await world.say(alice, head, 'heard');
    const ignoring = await notifications.page(world.readerOf(bob, new Set([alice.user])), bob.userId, {
      onlyHighlights: false,
    });
    expect(ignoring.notifications).toEqual([]);
    await world.joining.leave(head, bob);
    expect(await texts(bob)).toEqual([]);
  });
});
