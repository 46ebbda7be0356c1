import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engines } from './storage/engines.ts';
import { refusal } from './support/refusal.ts';
import { openWorld, type World, type WorldServices } from './support/world.ts';

describe.each(engines)('thread subscriptions, on $name', (engine) => {
  let world: World;
  let services: WorldServices;
  beforeAll(async () => {
    world = await openWorld(engine);
    services = world.openServices();
  });
  afterAll(() => world.end());

  const open = async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    const { eventId } = await world.say(alice, head, 'root');
    const reply = () =>
      world.say(alice, head, {
        msgtype: 'm.text',
        body: 'reply',
        'm.relates_to': { rel_type: 'm.thread', event_id: eventId },
      });
    return { alice, head, path: { roomId: head.roomId, eventId }, reply };
  };

  test('are created and deleted manually', async () => {
    const { threadSubscriptions } = services;
    const { alice, path } = await open();
    expect(await refusal(threadSubscriptions.get(alice.user, path))).toBe('M_NOT_FOUND');
    await threadSubscriptions.subscribe(alice.user, path);
    await threadSubscriptions.subscribe(alice.user, path);
    expect(await threadSubscriptions.get(alice.user, path)).toEqual({ automatic: false });
    await threadSubscriptions.unsubscribe(alice.user, path);
    await threadSubscriptions.unsubscribe(alice.user, path);
    expect(await refusal(threadSubscriptions.get(alice.user, path))).toBe('M_NOT_FOUND');
  });

  test('are created automatically, unless the event is older than an unsubscription', async () => {
    const { threadSubscriptions } = services;
    const { alice, head, path, reply } = await open();
    const automatically = (cause: string) =>
      refusal(threadSubscriptions.subscribeAutomatically(alice.user, path, cause));
    const first = await reply();
    expect(await automatically(first.eventId)).toBe('no refusal');
    expect(await threadSubscriptions.get(alice.user, path)).toEqual({ automatic: true });
    await threadSubscriptions.subscribe(alice.user, path);
    expect(await automatically(first.eventId)).toBe('no refusal');
    expect(await threadSubscriptions.get(alice.user, path)).toEqual({ automatic: false });
    await threadSubscriptions.unsubscribe(alice.user, path);
    expect(await automatically(first.eventId)).toBe('IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION');
    expect(await automatically((await reply()).eventId)).toBe('no refusal');
    const outside = await world.say(alice, head, 'not in the thread');
    expect(await automatically(outside.eventId)).toBe('IO.ELEMENT.MSC4306.M_NOT_IN_THREAD');
    expect(await automatically(path.eventId)).toBe('IO.ELEMENT.MSC4306.M_NOT_IN_THREAD');
    expect(await automatically('$nothing')).toBe('M_NOT_FOUND');
  });

  test('need a thread that the user may see', async () => {
    const { threadSubscriptions } = services;
    const { path } = await open();
    const stranger = await world.person();
    expect(await refusal(threadSubscriptions.subscribe(stranger.user, path))).toBe('M_NOT_FOUND');
    expect(await refusal(threadSubscriptions.unsubscribe(stranger.user, path))).toBe('M_NOT_FOUND');
  });
});
