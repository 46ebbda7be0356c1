import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PushService } from '../../src/compose/push.ts';
import { guardedPostJson } from '../../src/push/post-json.ts';
import { engines } from '../storage/engines.ts';
import { Gateway } from '../support/gateway.ts';
import { openOutbound } from '../support/outbound.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

describe.each(engines)('push notifications, on $name', (engine) => {
  let world: World;
  let service: PushService;
  let gateway: Gateway;
  const start = () => world.openPush({ postJson: guardedPostJson(openOutbound(world.clock)), mail: undefined });
  beforeAll(async () => {
    world = await openWorld(engine);
    service = await start();
  });
  afterAll(async () => {
    expect(world.faults).toEqual([]);
    service.close();
    await world.end();
  });
  beforeEach(async () => {
    gateway = await Gateway.open();
  });
  afterEach(() => gateway.close());

  const pusherOf = (more: Record<string, unknown> = {}) => ({
    kind: 'http',
    app_id: 'org.example.app',
    pushkey: `key of ${gateway.url}`,
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: gateway.url, custom: 'kept', ...more },
  });
  const open = async (more: Record<string, unknown> = {}) => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, { preset: 'public_chat', name: 'The room' });
    await world.joining.join(head, bob);
    await world.users.sessions.login(bob.user, {});
    const [device] = await world.users.devices.list(bob.user);
    await service.push.setPusher({ user: bob.user, device: device?.num ?? 0 }, pusherOf(more));
    return { alice, bob, head };
  };
  /** Lets the clock pass until the gateway has heard of so many. */
  const heard = async (count: number, ms = 100) => {
    await expect
      .poll(async () => {
        await world.clock.pass(ms);
        return gateway.notices.length;
      })
      .toBe(count);
  };
  const read = (person: Person, roomId: string, eventId: string) =>
    world.receipts.send(person, roomId, 'm.read', eventId);

  test('tell of an event with all that belongs to it', async () => {
    const { alice, bob, head } = await open();
    const { eventId } = await world.say(alice, head, `hello ${bob.userId}`);
    await heard(1);
    expect(gateway.notices[0]).toEqual({
      notification: {
        event_id: eventId,
        room_id: head.roomId,
        type: 'm.room.message',
        sender: alice.userId,
        sender_display_name: alice.userId.slice(1, alice.userId.indexOf(':')),
        room_name: 'The room',
        prio: 'high',
        content: { msgtype: 'm.text', body: `hello ${bob.userId}` },
        counts: { unread: 1 },
        devices: [
          {
            app_id: 'org.example.app',
            pushkey: `key of ${gateway.url}`,
            pushkey_ts: Math.floor(((await service.pushers.of(bob.user))[0]?.set_ts ?? 0) / 1000),
            data: { custom: 'kept' },
            tweaks: { sound: 'default', highlight: true },
          },
        ],
      },
    });
  });

  test('tell only what the format asks for', async () => {
    const { alice, head } = await open({ format: 'event_id_only' });
    const { eventId } = await world.say(alice, head, 'secret');
    await heard(1);
    expect(Object.keys(gateway.notices[0]?.notification ?? {}).sort()).toEqual([
      'counts',
      'devices',
      'event_id',
      'prio',
      'room_id',
    ]);
    expect(gateway.events).toEqual([eventId]);
    expect(gateway.notices[0]?.notification.devices[0]?.data).toEqual({ custom: 'kept', format: 'event_id_only' });
  });

  test('say nothing of what is silent, of what one sends oneself, and of whom one ignores', async () => {
    const { alice, bob, head } = await open();
    const carol = await world.person();
    await world.joining.join(head, carol);
    const ignored = JSON.stringify({ ignored_users: { [carol.userId]: {} } });
    await world.accountData.set(bob.user, 0, 'm.ignored_user_list', ignored);
    await world.say(bob, head, 'own');
    await world.say(carol, head, 'ignored');
    await world.say(alice, head, { msgtype: 'm.notice', body: 'a notice' });
    await world.setState(alice, head, 'm.room.topic', { topic: 'silent' });
    const gone = await world.say(alice, head, 'taken back at once');
    await world.redact(alice, head, gone.eventId);
    const { eventId } = await world.say(alice, head, 'loud');
    await heard(1);
    expect(gateway.events).toEqual([eventId]);
  });

  test('tell of invites, except those that the user filters', async () => {
    const { alice, bob } = await open();
    const carol = await world.person();
    const filter = JSON.stringify({ ignored_users: [carol.userId] });
    await world.accountData.set(bob.user, 0, 'org.matrix.msc4155.invite_permission_config', filter);
    await world.room(carol, { invite: [bob.userId] });
    const other = await world.room(alice, { preset: 'private_chat', name: 'Closed', invite: [bob.userId] });
    await heard(1);
    expect(gateway.notices[0]?.notification).toMatchObject({
      type: 'm.room.member',
      room_id: other.roomId,
      user_is_target: true,
      room_name: 'Closed',
    });
  });

  test('count what is unread in all rooms, and say when there is nothing any more', async () => {
    const { alice, bob, head } = await open();
    const other = await world.room(alice);
    await world.joining.join(other, bob);
    const first = await world.say(alice, head, 'one');
    await heard(1);
    const second = await world.say(alice, other, 'two');
    await heard(2);
    expect(gateway.notices.map(({ notification }) => notification.counts)).toEqual([{ unread: 1 }, { unread: 2 }]);
    await read(bob, head.roomId, first.eventId);
    await world.clock.pass(10_000);
    expect(gateway.notices).toHaveLength(2);
    await read(bob, other.roomId, second.eventId);
    await heard(3, 6_000);
    expect(gateway.notices[2]?.notification).toMatchObject({ counts: { unread: 0 }, devices: [{ data: {} }] });
    expect(gateway.events[2]).toBeUndefined();
    const third = await world.say(bob, head, 'own');
    await read(bob, head.roomId, third.eventId);
    await world.clock.pass(10_000);
    expect(gateway.notices).toHaveLength(3);
  });

  test('are tried again, ever more slowly, in order and without gaps', async () => {
    const { alice, head } = await open();
    gateway.status = 502;
    const sent = [await world.say(alice, head, 'one')];
    await expect
      .poll(async () => {
        await world.clock.pass(200);
        return gateway.refused;
      })
      .toBe(1);
    sent.push(await world.say(alice, head, 'two'));
    await world.clock.pass(500);
    expect(gateway.refused).toBe(1);
    await expect
      .poll(async () => {
        await world.clock.pass(500);
        return gateway.refused;
      })
      .toBe(2);
    await world.clock.pass(1_500);
    expect(gateway.refused).toBe(2);
    gateway.status = 200;
    await heard(2, 500);
    expect(gateway.events).toEqual(sent.map(({ eventId }) => eventId));
  });

  test('go on after a restart where they were', async () => {
    const { alice, head } = await open();
    gateway.status = 500;
    const sent = [await world.say(alice, head, 'queued')];
    await expect
      .poll(async () => {
        await world.clock.pass(200);
        return gateway.refused;
      })
      .toBeGreaterThan(0);
    service.close();
    sent.push(await world.say(alice, head, 'while nobody followed'));
    gateway.status = 200;
    service = await start();
    await service.push.resume();
    await heard(2);
    expect(gateway.events).toEqual(sent.map(({ eventId }) => eventId));
  });

  test('leave out what the user has answered', async () => {
    const { alice, bob, head } = await open();
    gateway.status = 500;
    const first = await world.say(alice, head, 'answered');
    await expect
      .poll(async () => {
        await world.clock.pass(200);
        return gateway.refused;
      })
      .toBeGreaterThan(0);
    await world.say(bob, head, 'answer');
    const second = await world.say(alice, head, 'unread');
    gateway.status = 200;
    await expect
      .poll(async () => {
        await world.clock.pass(500);
        return gateway.events;
      })
      .toContain(second.eventId);
    expect(gateway.events).not.toContain(first.eventId);
  });

  test('leave out what was read, is too old, or is of a room that one has left', async () => {
    const { alice, bob, head } = await open();
    gateway.status = 500;
    const first = await world.say(alice, head, 'read meanwhile');
    await expect
      .poll(async () => {
        await world.clock.pass(200);
        return gateway.refused;
      })
      .toBeGreaterThan(0);
    await read(bob, head.roomId, first.eventId);
    const second = await world.say(alice, head, 'unread');
    gateway.status = 200;
    await expect
      .poll(async () => {
        await world.clock.pass(500);
        return gateway.events;
      })
      .toContain(second.eventId);
    expect(gateway.events).not.toContain(first.eventId);
    await world.joining.leave(head, bob);
    await world.say(alice, head, 'gone');
    await world.clock.pass(10_000);
    expect(gateway.events.filter((id) => id !== undefined)).toEqual([second.eventId]);
  });

  test('end when the gateway rejects the key', async () => {
    const { alice, bob, head } = await open();
    gateway.rejected = [`key of ${gateway.url}`];
    await world.say(alice, head, 'to nobody');
    await heard(1);
    await expect.poll(() => service.pushers.of(bob.user)).toEqual([]);
  });
});
